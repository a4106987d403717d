extension TraceContext {
    /// Reads the two header values strictly; nil means that the sender's trace is not joined.
    ///
    /// `traceparent` has two lower-case hexadecimal digits of version (not `ff`), 32 of trace, 16 of parent, 2 of flags;
    /// version 00 ends there, a later one may go on behind a dash. A `tracestate` that breaks the rules is left out, the
    /// trace is joined all the same. Several `tracestate` fields are to be joined with commas first.
    package init?(traceparent: String, tracestate: String? = nil) {
        var reader = HexadecimalReader(Array(traceparent.utf8))
        guard let version = reader.read(digits: 2), version != 0xFF, reader.skipDash(),
            let high = reader.read(digits: 16), let low = reader.read(digits: 16), reader.skipDash(),
            let parent = reader.read(digits: 16), reader.skipDash(), let flags = reader.read(digits: 2),
            let traceID = TraceID(high: high, low: low), let spanID = SpanID(parent)
        else { return nil }
        guard reader.isAtEnd || (version > 0 && reader.skipDash()) else { return nil }
        self.init(
            traceID: traceID, spanID: spanID, isSampled: flags & 1 == 1,
            state: tracestate.flatMap(Self.validatedState))
    }

    /// The value of the `traceparent` header: version 00 and 55 bytes.
    package var traceparent: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(55)
        bytes.append(contentsOf: "00-".utf8)
        traceID.append(to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        spanID.append(to: &bytes)
        bytes.append(contentsOf: (isSampled ? "-01" : "-00").utf8)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The value of the `tracestate` header; nil when it is not to be sent.
    package var tracestate: String? { state }

    /// Returns the list without empty members and blanks around them; nil when a member breaks the rules, a key is there
    /// twice, there are more than 32 members, more than 512 bytes, or none at all.
    private static func validatedState(_ text: String) -> String? {
        var members: [Substring] = []
        var keys: Set<Substring> = []
        guard text.utf8.count <= 512 else { return nil }
        for piece in text.split(separator: ",") {
            let member = piece.trimmingBlanks()
            if member.isEmpty { continue }
            guard let equals = member.firstIndex(of: "="), isStateKey(member[..<equals]),
                isStateValue(member[member.index(after: equals)...]), keys.insert(member[..<equals]).inserted
            else { return nil }
            members.append(member)
        }
        guard !members.isEmpty, members.count <= 32 else { return nil }
        return members.joined(separator: ",")
    }

    /// `key`, or `tenant@system`; lower case, digits and `_-*/`, beginning with a letter (a tenant also with a digit).
    private static func isStateKey(_ key: Substring) -> Bool {
        func isRest(_ byte: UInt8) -> Bool {
            isLetter(byte) || isDigit(byte) || "_-*/".utf8.contains(byte)
        }
        func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
        func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        let parts = key.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard let name = parts.last, let first = parts.first, let begin = first.first,
            let nameBegin = name.first, isLetter(nameBegin), parts.allSatisfy({ $0.allSatisfy(isRest) })
        else { return false }
        switch parts.count {
        case 1: return name.count <= 256
        case 2: return (isLetter(begin) || isDigit(begin)) && first.count <= 241 && name.count <= 14
        default: return false
        }
    }

    /// Up to 256 visible ASCII characters without comma and equals sign; blanks only inside.
    private static func isStateValue(_ value: Substring) -> Bool {
        let bytes = value.utf8
        guard let last = bytes.last, bytes.count <= 256, last != 0x20 else { return false }
        return bytes.allSatisfy {
            (0x20...0x7E).contains($0) && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "=")
        }
    }
}

extension Substring {
    fileprivate func trimmingBlanks() -> Substring {
        var result = self
        while let first = result.utf8.first, first == 0x20 || first == 0x09 { result = result.dropFirst() }
        while let last = result.utf8.last, last == 0x20 || last == 0x09 { result = result.dropLast() }
        return result
    }
}

private struct HexadecimalReader {
    let bytes: [UInt8]
    var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    mutating func skipDash() -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: "-") else { return false }
        position += 1
        return true
    }

    /// Lower-case digits only, as the standard has them.
    mutating func read(digits: Int) -> UInt64? {
        guard position + digits <= bytes.count else { return nil }
        var value: UInt64 = 0
        for byte in bytes[position..<position + digits] {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(byte - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        position += digits
        return value
    }
}
