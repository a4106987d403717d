/// The first place where a text stops being acceptable JSON.
public struct JSONSyntaxError: Error, Hashable, Sendable {
    /// What is wrong there.
    public let reason: Reason
    /// Bytes before the place.
    public let offset: Int
    /// Line of the place, counted from 1; lines end with a line feed.
    public let line: Int
    /// Column of the place, counted from 1 in Unicode code points.
    public let column: Int

    /// What can be wrong with a JSON text.
    public enum Reason: Hashable, Sendable {
        /// There is nothing but white space.
        case empty
        /// The text ends inside a value.
        case unexpectedEnd
        /// The text begins with a byte order mark.
        case byteOrderMark
        /// A byte that cannot stand here, and what could.
        case unexpectedByte(UInt8, expected: Expectation)
        /// A comma that no further element or member follows.
        case trailingComma
        /// Something follows the document's value.
        case trailingBytes
        /// A `NaN` or an `Infinity`.
        case notANumber
        /// A number that begins with a superfluous zero.
        case leadingZero
        /// A number without a digit where one is needed.
        case missingDigit
        /// A raw control character inside a string.
        case controlCharacter(UInt8)
        /// A backslash that begins no escape of JSON.
        case invalidEscape
        /// An escaped surrogate without its partner.
        case loneSurrogate
        /// Bytes that are not UTF-8.
        case invalidUTF8
        /// More containers are open than allowed.
        case tooDeep(maximum: Int)
        /// A name that its object already has; long names are cut.
        case duplicateName(String)
        /// More than 4 GiB.
        case tooLarge
    }

    /// What could have stood in the place of an unexpected byte.
    public enum Expectation: String, Hashable, Sendable {
        /// Any value.
        case value = "a value"
        /// A quoted member name.
        case name = "a member name in double quotes"
        /// The colon after a member name.
        case colon = "a colon"
        /// The continuation or the end of an object.
        case commaOrBrace = "a comma or '}'"
        /// The continuation or the end of an array.
        case commaOrBracket = "a comma or ']'"
    }

    init(_ reason: Reason, at offset: Int, in bytes: [UInt8]) {
        self.reason = reason
        self.offset = offset
        var line = 1
        var column = 1
        for byte in bytes.prefix(offset) {
            if byte == UInt8(ascii: "\n") {
                line += 1
                column = 1
            } else if byte & 0xC0 != 0x80 {
                column += 1
            }
        }
        self.line = line
        self.column = column
    }
}

extension JSONSyntaxError: CustomStringConvertible {
    /// A sentence with the place, such as `line 1, column 9: a comma must be followed by another value`.
    public var description: String { "line \(line), column \(column): \(reason)" }
}

extension JSONSyntaxError.Reason: CustomStringConvertible {
    /// The reason without the place.
    public var description: String {
        switch self {
        case .empty: "the document is empty"
        case .unexpectedEnd: "the document ends too early"
        case .byteOrderMark: "a byte order mark is not allowed"
        case .unexpectedByte(let byte, let expected): "expected \(expected.rawValue), found \(Self.name(of: byte))"
        case .trailingComma: "a comma must be followed by another value"
        case .trailingBytes: "nothing but white space may follow the value"
        case .notANumber: "NaN and Infinity are not JSON"
        case .leadingZero: "a number must not begin with a superfluous zero"
        case .missingDigit: "a number lacks a digit here"
        case .controlCharacter(let byte): "a string must not contain \(Self.name(of: byte)) unescaped"
        case .invalidEscape: "a backslash must begin one of the escapes of JSON"
        case .loneSurrogate: "a surrogate must be one of a pair"
        case .invalidUTF8: "the bytes are not valid UTF-8"
        case .tooDeep(let maximum): "values nest deeper than \(maximum)"
        case .duplicateName(let name): "the object already has a member named \"\(name)\""
        case .tooLarge: "the document is larger than 4 GiB"
        }
    }

    private static func name(of byte: UInt8) -> String {
        if (0x20..<0x7F).contains(byte) { return "'\(Unicode.Scalar(byte))'" }
        let digits = String(byte, radix: 16, uppercase: true)
        return "byte 0x\(digits.count == 1 ? "0" : "")\(digits)"
    }
}
