/// Why a record is no message of ours; the reason goes to the dead letter.
package enum EnvelopeError: Error, Equatable, Sendable, CustomStringConvertible {
    case missingHeader(String)
    case invalidHeader(String, value: String)
    case unsupportedSpecVersion(String)
    case emptyPayload

    package var description: String {
        switch self {
        case .missingHeader(let name): "the header \(name) is missing"
        case .invalidHeader(let name, let value): "the header \(name) has the unreadable value '\(value)'"
        case .unsupportedSpecVersion(let version): "CloudEvents version '\(version)' is not 1.0"
        case .emptyPayload: "the record has no payload"
        }
    }
}
