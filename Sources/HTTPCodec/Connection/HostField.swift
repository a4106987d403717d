/// The syntax of a `Host` field and of an authority in an absolute target.
enum HostField {
    /// Whether the bytes are a host, optionally with a port: a name, an IPv4 address or an IPv6 address in brackets.
    static func isValid(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
        let colon = UInt8(ascii: ":")
        var rest = value[...]
        if value.first == UInt8(ascii: "[") {
            guard let closing = rest.firstIndex(of: UInt8(ascii: "]")), closing > 2,
                rest[1..<closing].allSatisfy({ $0 == colon || $0 == UInt8(ascii: ".") || $0.hexadecimalValue != nil })
            else { return false }
            rest = rest[(closing + 1)...]
            return rest.isEmpty || rest.first == colon && isPort(rest.dropFirst())
        }
        let name = rest.prefix { $0 != colon }
        guard !name.isEmpty, name.allSatisfy(isNameCharacter) else { return false }
        rest = rest[name.endIndex...]
        return rest.isEmpty || isPort(rest.dropFirst())
    }

    private static func isPort(_ digits: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        digits.count <= 5 && digits.allSatisfy(\.isDigit)
    }

    /// Letters, digits and `-._~%`: of RFC 3986's registered names what real host names use.
    private static func isNameCharacter(_ byte: UInt8) -> Bool {
        byte.isDigit || byte.asciiLowercased &- UInt8(ascii: "a") < 26 || byte == UInt8(ascii: "-")
            || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "~")
            || byte == UInt8(ascii: "%")
    }
}
