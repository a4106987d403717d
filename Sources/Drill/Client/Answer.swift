import HTTPClient
import Invariants
import JSON

/// What came of one request, and what a client then knows of its effect.
struct Answer: Sendable {
    var status: Int?
    var body: [UInt8] = []
    var isReplayed = false
    /// The connection's failure; nil when there was an answer.
    var failure: HTTPClientError?

    var isOK: Bool { status.map { (200..<300).contains($0) } ?? false }

    var root: JSONValue? { (try? JSONDocument(parsing: body))?.root }

    /// The last part of the problem's type.
    var slug: String? {
        guard let type = root?["type"]?.string else { return nil }
        return type.split(separator: ":").last.map(String.init)
    }

    /// Refused before the first byte, any 4xx, and a 503 that says so: certainly no effect. All else that is no 2xx:
    /// unknown.
    var outcome: Operation.Outcome {
        guard let status else { return failure?.sent == .certainlyNotSent ? .fail : .info }
        switch status {
        case 200..<300: return .ok
        case 400..<500: return .fail
        case 503 where slug == "overloaded" || slug == "dependency-unavailable": return .fail
        default: return .info
        }
    }

    /// For people: the slug, or what became of the connection.
    var detail: String {
        if let failure { return "\(failure.code)" }
        if isOK { return isReplayed ? "replayed" : "" }
        return slug ?? ""
    }
}
