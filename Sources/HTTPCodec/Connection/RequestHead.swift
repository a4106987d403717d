/// A request line and its fields, after every check that concerns the head.
struct RequestHead: Sendable {
    enum Framing: Sendable, Hashable {
        case none
        case fixed(Int)
        case chunked
    }

    var method: HTTPMethod
    var target: String
    var version: HTTPVersion
    var fields: HTTPFields
    var framing = Framing.none
    var keepAlive = true
    var expectsContinue = false

    init(method: HTTPMethod, target: String, version: HTTPVersion) {
        self.method = method
        self.target = target
        self.version = version
        fields = HTTPFields(reservingFields: 8, bytes: 256)
    }
}
