import Clocks

/// A value from a ``StaleCache``, and how far it can be trusted.
public struct Cached<Value> {
    /// What was fetched.
    public let value: Value

    /// The time since the fetch began that brought it: it was true at some moment since then.
    public let age: Duration

    /// How far it can be trusted.
    public let freshness: Freshness

    /// Whether the answer is worse than usual: the source could not be asked.
    public var isDegraded: Bool { freshness == .stale(.fetchFailed) }
}

extension Cached: Sendable where Value: Sendable {}
extension Cached: Equatable where Value: Equatable {}

/// How far a value from memory can be trusted.
public enum Freshness: Hashable, Sendable {
    /// It is young.
    case fresh

    /// It may have changed since.
    case stale(Staleness)

    /// Why a value that is not fresh was served.
    public enum Staleness: Hashable, Sendable {
        /// It is ageing, and is fetched anew behind the scenes.
        case ageing

        /// It could not be fetched anew.
        case fetchFailed
    }
}
