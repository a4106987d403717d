/// What a request asks to be done with its target; names are case-sensitive, as HTTP has them.
package enum HTTPMethod: Hashable, Sendable {
    case get, head, post, put, delete, patch, options, trace, connect
    /// A well-formed method this suite gives no meaning; a router answers 405.
    case other(String)

    /// Recognises the method from its name as sent.
    package init(_ name: String) {
        switch name {
        case "GET": self = .get
        case "HEAD": self = .head
        case "POST": self = .post
        case "PUT": self = .put
        case "DELETE": self = .delete
        case "PATCH": self = .patch
        case "OPTIONS": self = .options
        case "TRACE": self = .trace
        case "CONNECT": self = .connect
        default: self = .other(name)
        }
    }

    /// The name as it stands in a request line.
    package var name: String {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        case .patch: "PATCH"
        case .options: "OPTIONS"
        case .trace: "TRACE"
        case .connect: "CONNECT"
        case .other(let name): name
        }
    }
}

extension HTTPMethod: CustomStringConvertible {
    package var description: String { name }
}
