import Glibc

/// The process that listens on a port, as far as this account may see it.
package struct PortHolder: Sendable, Equatable, CustomStringConvertible {
    package var pid: Int32
    package var program: String

    package init(pid: Int32, program: String) {
        self.pid = pid
        self.program = program
    }

    package var description: String { "\(program), process \(pid)" }

    /// Who listens on the port; nil when nobody does, or when it is another account's process.
    package static func find(_ port: Int) -> PortHolder? {
        let sockets = Set(
            ["/proc/net/tcp", "/proc/net/tcp6"].flatMap { listeners(on: port, in: Files.text($0) ?? "") })
        guard !sockets.isEmpty else { return nil }
        for name in Files.list("/proc") {
            guard let pid = Int32(name) else { continue }
            let folder = "/proc/\(name)/fd"
            for descriptor in Files.list(folder) where sockets.contains(target(of: "\(folder)/\(descriptor)")) {
                let program = Files.text("/proc/\(name)/comm")?.split(separator: "\n").first.map(String.init)
                return PortHolder(pid: pid, program: program ?? "?")
            }
        }
        return nil
    }

    /// The sockets that listen on the port, in the form in which they show as links: `socket:[4711]`.
    ///
    /// A line of the table holds, divided by blanks: number, local address and port in hexadecimal, remote ones, state
    /// (`0A` listens), two pairs, retransmissions, user, timeout, inode.
    static func listeners(on port: Int, in table: String) -> [String] {
        table.split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count > 9, fields[3] == "0A", let colon = fields[1].lastIndex(of: ":"),
                Int(fields[1][fields[1].index(after: colon)...], radix: 16) == port
            else { return nil }
            return "socket:[\(fields[9])]"
        }
    }

    private static func target(of link: String) -> String {
        let bytes = [UInt8](unsafeUninitializedCapacity: 64) { buffer, count in
            count = max(
                0,
                buffer.withMemoryRebound(to: CChar.self) { readlink(link, $0.baseAddress!, $0.count) })
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
