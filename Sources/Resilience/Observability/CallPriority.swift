/// How much it matters that a call is made, when not all can be.
public enum CallPriority: Int, Hashable, Comparable, Sendable, CaseIterable {
    /// Work that can be done later or not at all: prefetching, background refreshes.
    case background = 0

    /// What a caller waits for.
    case normal = 1

    /// What keeps promises already made, or what operators need: never shed before anything else.
    case critical = 2

    /// Orders by importance.
    public static func < (left: CallPriority, right: CallPriority) -> Bool { left.rawValue < right.rawValue }
}
