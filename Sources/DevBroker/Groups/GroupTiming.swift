import Clocks

/// How long a group waits for what.
struct GroupTiming: Hashable, Sendable {
    /// How long a first member waits for others, which begin at about the same time; each that comes begins the wait anew.
    var firstRebalanceDelay = Duration.milliseconds(50)
    /// The bound of that.
    var longestFirstRebalance = Duration.milliseconds(500)
    /// What a member may ask for, in milliseconds.
    var sessionTimeouts: ClosedRange<Int32> = 100...1_800_000
}
