/// A link as the command line names it: who connects to the port is passed on to the target.
package struct LinkSpecification: Hashable, Sendable {
    /// 1 to 64 of letters, digits, dot, dash and underscore.
    package var name: String
    /// On the address that the proxy listens on; 0 takes any free one.
    package var port: Int
    /// An IPv4 address, or a name that is looked up again and again.
    package var targetHost: String
    package var targetPort: Int
    /// Whether the target is a Kafka broker, whose advertised port is replaced by the link's own.
    package var isKafka = false
    /// The host that the broker advertises, when it is not ``targetHost``: the proxy's own name, where client and proxy are
    /// on different machines.
    package var advertisedHost: String?

    package init(name: String, port: Int, targetHost: String = "127.0.0.1", targetPort: Int, isKafka: Bool = false) {
        self.name = name
        self.port = port
        self.targetHost = targetHost
        self.targetPort = targetPort
        self.isKafka = isKafka
    }
}

extension LinkSpecification: CustomStringConvertible {
    /// The form that ``init(_:)`` reads.
    package var description: String {
        "\(name)=\(port):\(targetHost):\(targetPort)"
            + (isKafka ? ":kafka" + (advertisedHost.map { ":\($0)" } ?? "") : "")
    }

    /// Reads `NAME=PORT:TARGET-PORT` or `NAME=PORT:TARGET-HOST:TARGET-PORT`, with `:kafka` behind it or not; with a host,
    /// `:kafka:ADVERTISED-HOST` too.
    package init?(_ text: String) {
        let parts = text.split(separator: "=", omittingEmptySubsequences: false)
        guard parts.count == 2, Self.isName(parts[0]) else { return nil }
        var fields = parts[1].split(separator: ":", omittingEmptySubsequences: false)
        var advertised: String?
        if fields.count == 5, fields[3] == "kafka" { advertised = String(fields.removeLast()) }
        let isKafka = fields.last == "kafka" && fields.count > 2
        if isKafka { fields.removeLast() }
        guard (2...3).contains(fields.count), let port = UInt16(fields[0]),
            let target = UInt16(fields[fields.count - 1]),
            target > 0
        else { return nil }
        let host = fields.count == 3 ? String(fields[1]) : "127.0.0.1"
        guard Self.isHost(host), advertised.map(Self.isHost) ?? true else { return nil }
        self.init(
            name: String(parts[0]), port: Int(port), targetHost: host, targetPort: Int(target), isKafka: isKafka)
        advertisedHost = advertised
    }

    private static func isName(_ text: Substring) -> Bool {
        (1...64).contains(text.utf8.count) && text.utf8.allSatisfy { isNameByte($0) || $0 == UInt8(ascii: "_") }
    }

    /// A name of the DNS, or four numbers; what looks like numbers has to be an address.
    private static func isHost(_ text: String) -> Bool {
        guard (1...253).contains(text.utf8.count), text.utf8.allSatisfy(isNameByte) else { return false }
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        guard !labels.contains("") else { return false }
        let isNumeric = labels.allSatisfy { $0.allSatisfy(\.isNumber) }
        return !isNumeric || labels.count == 4 && labels.allSatisfy { UInt8($0) != nil }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
