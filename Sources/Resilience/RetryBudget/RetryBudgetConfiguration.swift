import Clocks

/// How much a retry budget allows.
///
/// The defaults let a dependency that works be retried freely, and one that is down hardly at all: calls that fail
/// earn nothing, so after at most ``lifetime`` nothing is left but the floor.
public struct RetryBudgetConfiguration: Hashable, Sendable {
    /// Further calls earned by each call that ended well; 0.15 is three for twenty.
    public var share = 0.15

    /// Further calls a second that need not be earned, for those who call seldom or have just started.
    ///
    /// Saved up for a second at most. Three a second repeat every call of a client that makes one or two a second, and
    /// are nothing to the service, even from ten clients at once: so the floor is far below what would keep a service
    /// down.
    public var floorPerSecond = 3.0

    /// Below so many calls a second the floor is whole. From there on it is ``floorShare`` of the calls a second, nothing of
    /// it is saved up, and it is there only when nothing was paid for a while: so a dependency that is called ten times a
    /// second gets one further call in a second of an outage, and not four.
    public var seldomPerSecond = 5.0

    /// What the floor comes to where calls are not seldom, as a share of them: from a quarter of ``floorPerSecond`` to all of it.
    public var floorShare = 0.03

    /// How long what was earned can be spent.
    ///
    /// It bounds what is saved up when a dependency goes down: one second's earnings. So in any second, the first of an
    /// outage included, less than 1.2 times the offered load arrives, from ten calls a second on.
    public var lifetime = Duration.seconds(1)

    /// What is saved up at most from what was earned, whatever the load.
    public var maximumBalance = 500

    /// The defaults of all members.
    public init() {}

    /// What is wrong with the numbers, as sentences; empty when nothing is.
    public var faults: [String] {
        var faults: [String] = []
        if !(share >= 0 && share <= 1000) { faults.append("the share must be from 0 to 1000") }
        if !(floorPerSecond >= 0 && floorPerSecond <= 1_000_000) {
            faults.append("the floor must be from 0 to 1000000 a second")
        }
        if !(seldomPerSecond >= 0 && seldomPerSecond <= 1_000_000) {
            faults.append("seldom must be from 0 to 1000000 calls a second")
        }
        if !(floorShare >= 0 && floorShare <= 1) { faults.append("the floor's share must be from 0 to 1") }
        if lifetime < .milliseconds(100) || lifetime > .seconds(3600) {
            faults.append("the lifetime must be from 100 ms to an hour")
        }
        if maximumBalance < 0 || maximumBalance > 1_000_000_000 {
            faults.append("the maximum balance must be from 0 to 1000000000")
        }
        return faults
    }

    /// Calls within a lifetime beyond which they are not seldom.
    var seldomCalls: Int64 {
        Int64(max(seldomPerSecond, seldomPerSecond * lifetime.inSeconds))
    }

    /// The nanoseconds after which the floor pays again, with so many calls within a lifetime.
    func floorInterval(calls: Int64) -> Int64 {
        let wanted = floorShare * Double(calls) / lifetime.inSeconds
        let rate = min(floorPerSecond, max(floorPerSecond / 4, wanted))
        // A floor below one withdrawal in a year is none.
        return Int64(min(1e9 / rate, 3e16).rounded(.up))
    }

    /// Further calls that the floor allows at once, where calls are seldom.
    var floorBurst: Int64 {
        floorPerSecond > 0 ? max(1, Int64(floorPerSecond)) : 0
    }
}
