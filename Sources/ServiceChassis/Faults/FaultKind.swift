import HTTPClient
import HTTPCodec
import Resilience

/// What a fault rule may put in the place of an answer, by the names that rules use.
///
/// A fault never lies about effects: what happens after the work was done leaves its outcome open, as a real fault
/// would. Rules that would say otherwise are not taken.
enum FaultKind {
    /// Kinds of `error`.
    enum Failure: String, CaseIterable {
        /// Nothing accepted the connection: certainly no effect.
        case refused
        /// The connection broke before the answer.
        case reset
        /// No answer in time.
        case timeout
    }

    /// Statuses of `status`.
    static let statuses = [429, 500, 502, 503, 504]
    /// Those that leave open what was done.
    private static let openStatuses = [500, 502, 504]

    /// What is wrong with a rule's effect at its moment; nil when nothing is.
    static func fault(in rule: FaultRule) -> String? {
        switch rule.effect {
        case nil: return nil
        case .refusal:
            return rule.moment == .before ? nil : "what was done already cannot be refused; use an error"
        case .error(let kind):
            guard let failure = Failure(rawValue: kind) else {
                return "must be one of \(Failure.allCases.map(\.rawValue).joined(separator: ", "))"
            }
            return rule.moment == .before || failure != .refused ? nil : "what was done already cannot be refused"
        case .outcome(let kind):
            let allowed = rule.moment == .before ? statuses : openStatuses
            return Int(kind).map { allowed.contains($0) } ?? false
                ? nil
                : "must be one of \(allowed.map(String.init).joined(separator: ", ")), \(rule.moment.rawValue) the work"
        }
    }

    /// What a caller sees of an error of this kind.
    static func error(_ kind: String) -> HTTPClientError? {
        switch Failure(rawValue: kind) {
        case .refused: HTTPClientError(.connectFailed, sent: .certainlyNotSent, phase: .connecting, detail: detail)
        case .reset: HTTPClientError(.connectionLost, sent: .unknown, phase: .waiting, detail: detail)
        case .timeout: HTTPClientError(.deadlineExceeded, sent: .unknown, phase: .waiting, detail: detail)
        case nil: nil
        }
    }

    /// What a caller sees of an answer with this status.
    static func answer(_ kind: String) -> HTTPClientResponse? {
        guard let response = problem(kind)?.response() else { return nil }
        return HTTPClientResponse(status: response.status, fields: response.fields, body: response.bytes ?? [])
    }

    /// What a handler answers with this status.
    static func problem(_ kind: String) -> ProblemDetails? {
        switch Int(kind) {
        case 429: ProblemDetails(.tooManyRequests, detail: detail)
        case 503: ProblemDetails(.dependencyUnavailable, detail: detail)
        case 504: ProblemDetails(.deadlineExceeded, detail: detail)
        case 500, 502: ProblemDetails(.internalError, detail: detail)
        default: nil
        }
    }

    private static let detail = "a fault was injected"
}

extension HTTPResponse {
    /// What a handler answers instead with an error of this kind: the connection ends without an answer.
    static func injected(_ kind: String) -> HTTPResponse? {
        FaultKind.Failure(rawValue: kind).map { .abort(reset: $0 != .timeout) }
    }
}

extension HTTPClientError {
    /// What a caller sees of an attempt that a fault refused, or waited with until it was given up.
    ///
    /// A wait may have come before the exchange or behind it; that is not known, so what may have been sent counts as sent.
    init(_ rejection: Rejection) {
        switch rejection {
        case .deadlineExceeded:
            self.init(.deadlineExceeded, sent: .unknown, phase: .waiting, detail: rejection.description)
        case .cancelled:
            self.init(.cancelled, sent: .unknown, phase: .waiting, detail: rejection.description)
        default:
            self.init(.connectFailed, sent: .certainlyNotSent, phase: .connecting, detail: rejection.description)
        }
    }
}
