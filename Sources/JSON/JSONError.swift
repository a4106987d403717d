/// Why a JSON text could not be turned into a value.
public enum JSONError: Error, Hashable, Sendable {
    /// The bytes are not JSON as this module accepts it; nothing was decoded.
    case malformed(JSONSyntaxError)
    /// The JSON is well-formed but not what was asked for: all problems found, up to the decoder's limit.
    case invalid([JSONProblem])
}

extension JSONError: CustomStringConvertible {
    /// A sentence for a log line or a problem's detail.
    public var description: String {
        switch self {
        case .malformed(let error): error.description
        case .invalid(let problems): problems.map(\.description).joined(separator: "; ")
        }
    }
}
