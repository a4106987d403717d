import Clocks
import JSON

extension UUID: JSONTextEncodable, JSONTextDecodable {
    public static var jsonExpectation: String { "a UUID" }
    public static var jsonPlaceholder: UUID { UUID(high: 0, low: 0) }

    public init?(jsonText: String) {
        self.init(jsonText)
    }
}

extension Timestamp: JSONTextEncodable, JSONTextDecodable {
    public static var jsonExpectation: String { "a time in RFC 3339" }
    public static var jsonPlaceholder: Timestamp { Timestamp(microseconds: 0) }

    public init?(jsonText: String) {
        self.init(rfc3339: jsonText)
    }
}
