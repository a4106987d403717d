/// What making a call a second time would do.
public enum CallSafety: Hashable, Sendable, CaseIterable {
    /// It only asks: it may be made as often as one likes, also at the same time.
    case safe

    /// Made twice it has the effect of once, if nothing else happens in between: it may be repeated, but a copy that is
    /// still under way could undo what came after it, so it is not hedged.
    case idempotent

    /// It carries an idempotency key by which the other side knows a repetition: it may be repeated, also at the same
    /// time.
    case keyed

    /// A second one has a second effect.
    case unsafe

    /// Of an HTTP request (RFC 9110, sections 9.2.1 and 9.2.2). A method of unknown meaning is unsafe without a key.
    public init(httpMethod method: String, hasIdempotencyKey: Bool = false) {
        self =
            switch method {
            case "GET", "HEAD", "OPTIONS", "TRACE": .safe
            case _ where hasIdempotencyKey: .keyed
            case "PUT", "DELETE": .idempotent
            default: .unsafe
            }
    }

    /// Whether it may be made again after an attempt; `mayHaveHadEffect` is false only when that was certainly not sent,
    /// or certainly not carried out.
    public func mayBeRepeated(mayHaveHadEffect: Bool) -> Bool {
        self != .unsafe || !mayHaveHadEffect
    }

    /// Whether it may be made while another one is under way.
    public var mayBeHedged: Bool {
        self == .safe || self == .keyed
    }
}
