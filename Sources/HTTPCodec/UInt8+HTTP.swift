extension UInt8 {
    /// Whether the byte may stand in a method or a field name (`tchar` of RFC 9110 section 5.6.2).
    var isTokenCharacter: Bool {
        // One bit per ASCII character, so that the check is a shift and not a chain of comparisons.
        let low: UInt64 = 0x03FF_6CFA_0000_0000
        let high: UInt64 = 0x57FF_FFFF_C7FF_FFFE
        if self < 64 { return low >> UInt64(self) & 1 == 1 }
        return self < 128 && high >> UInt64(self - 64) & 1 == 1
    }

    /// Whether the byte may stand in a field value: visible ASCII, blank, tab and bytes over 127.
    var isFieldValueCharacter: Bool { self >= 0x20 && self != 0x7F || self == 0x09 }

    /// Whether the byte may stand in a request target: visible ASCII without the fragment mark.
    var isTargetCharacter: Bool { self > 0x20 && self < 0x7F && self != UInt8(ascii: "#") }

    var isDigit: Bool { self &- UInt8(ascii: "0") < 10 }

    var asciiLowercased: UInt8 { self &- UInt8(ascii: "A") < 26 ? self | 0x20 : self }

    /// The value of a hexadecimal digit, nil for another byte.
    var hexadecimalValue: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
