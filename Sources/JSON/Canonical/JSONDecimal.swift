/// The exact value of a number's text: `digits × 10^exponent`, in the one form without superfluous zeros.
struct JSONDecimal {
    /// The exponents that arithmetic on `Int64` is safe for; others are added up digit by digit.
    private static let safeExponentDigits = 17

    private var isNegative = false
    /// ASCII digits; no zero at either end; empty for zero.
    private var digits: [UInt8] = []
    /// How many places the point of `digits` lies off what the exponent says.
    private var shift: Int64 = 0
    /// The exponent as written, sign apart, without zeros in front.
    private var exponentDigits: [UInt8] = []
    private var exponentIsNegative = false

    /// Takes apart a text that the reader has accepted.
    init(_ text: UnsafeBufferPointer<UInt8>) {
        var index = 0
        var isFraction = false
        loop: while index < text.count {
            switch text[index] {
            case UInt8(ascii: "-"): isNegative = true
            case UInt8(ascii: "."): isFraction = true
            case UInt8(ascii: "e"), UInt8(ascii: "E"): break loop
            case let digit:
                if !digits.isEmpty || digit != UInt8(ascii: "0") { digits.append(digit) }
                if isFraction { shift -= 1 }
            }
            index += 1
        }
        while digits.last == UInt8(ascii: "0") {
            digits.removeLast()
            shift += 1
        }
        for byte in text[index...].dropFirst() {
            switch byte {
            case UInt8(ascii: "-"): exponentIsNegative = true
            case UInt8(ascii: "0") where exponentDigits.isEmpty: continue
            case UInt8(ascii: "+"): continue
            default: exponentDigits.append(byte)
            }
        }
    }

    /// Appends the one form all texts of this value share.
    func append(to bytes: inout [UInt8]) {
        guard !digits.isEmpty else { return bytes.append(UInt8(ascii: "0")) }
        if isNegative { bytes.append(UInt8(ascii: "-")) }
        bytes.append(contentsOf: digits)
        guard exponentDigits.count > Self.safeExponentDigits else {
            let written = exponentDigits.reduce(Int64(0)) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
            let exponent = (exponentIsNegative ? -written : written) + shift
            if exponent != 0 { bytes.append(contentsOf: "e\(exponent)".utf8) }
            return
        }
        bytes.append(contentsOf: exponentIsNegative ? "e-".utf8 : "e".utf8)
        bytes.append(contentsOf: Self.sum(exponentDigits, exponentIsNegative ? -shift : shift))
    }

    /// `digits + addend`, for a number far larger than the addend: its sign cannot change.
    private static func sum(_ digits: [UInt8], _ addend: Int64) -> ArraySlice<UInt8> {
        var result = [UInt8(ascii: "0")] + digits
        var carry = addend
        for index in result.indices.reversed() where carry != 0 {
            let total = carry + Int64(result[index] - UInt8(ascii: "0"))
            let digit = (total % 10 + 10) % 10
            result[index] = UInt8(ascii: "0") + UInt8(digit)
            carry = (total - digit) / 10
        }
        return result.drop { $0 == UInt8(ascii: "0") }
    }
}
