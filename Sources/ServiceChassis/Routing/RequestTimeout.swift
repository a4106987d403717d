import Clocks
import HTTPCodec

/// The `Request-Timeout` header: how many seconds, decimal, the client is willing to wait.
package enum RequestTimeout {
    package static let header = "Request-Timeout"

    /// Reads the header; nil when it is absent.
    ///
    /// - Throws: ``ProblemDetails`` naming the header when it is no decimal number of seconds or sent twice.
    package static func read(_ fields: HTTPFields) throws(ProblemDetails) -> Duration? {
        switch fields.count(of: header) {
        case 0:
            return nil
        case 1:
            guard let text = fields[header], let duration = SecondsText.read(text) else {
                throw .invalidHeader(header, "must be a decimal number of seconds, such as 2.5")
            }
            return duration
        case let count:
            throw .invalidHeader(header, "is sent \(count) times")
        }
    }

    /// The header's value for a call that has until `deadline`, in whole milliseconds, rounded down.
    package static func text(remaining: Duration) -> String {
        SecondsText.write(.milliseconds(max(0, remaining.wholeMilliseconds)))
    }
}
