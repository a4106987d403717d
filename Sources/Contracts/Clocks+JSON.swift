import Clocks
import JSON

extension UUID: JSONTextEncodable, JSONTextDecodable {
    /// What a reader is told who sent something else.
    public static var jsonExpectation: String { "a UUID" }
    /// Stands in for a value that could not be read.
    public static var jsonPlaceholder: UUID { UUID(high: 0, low: 0) }

    /// Reads the 36-character form.
    public init?(jsonText: String) {
        self.init(jsonText)
    }
}

extension Timestamp: JSONTextEncodable, JSONTextDecodable {
    /// What a reader is told who sent something else.
    public static var jsonExpectation: String { "a time in RFC 3339" }
    /// Stands in for a value that could not be read.
    public static var jsonPlaceholder: Timestamp { Timestamp(microseconds: 0) }

    /// Reads the form of RFC 3339.
    public init?(jsonText: String) {
        self.init(rfc3339: jsonText)
    }
}
