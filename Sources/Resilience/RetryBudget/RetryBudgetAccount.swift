import Clocks

/// What may be spent on further calls, without clock or lock of its own.
///
/// After Finagle's `RetryBudget` (`TokenRetryBudget`): deposits that expire, and a reserve that comes with time. It
/// differs in that a withdrawal uses a deposit up instead of being averaged over the window, and that the reserve is
/// saved up for one second and not for the whole window. So between any two moments, withdrawals are at most
/// `share × deposits + floor × seconds`, and once the burst: the maximum balance and one second of the floor.
///
/// The floor depends on how many calls come: each makes a deposit when it ends well, and else asks in vain in the end. Where
/// they are *seldom* it is spent first and saved up; where they are not it is scaled to them, and pays only what was not
/// earned, when nothing at all was paid for an interval.
struct RetryBudgetAccount: Sendable {
    /// Amounts are counted in millionths of a withdrawal, so that they add up exactly.
    static let unit: Int64 = 1_000_000
    private static let slotCount: Int64 = 10

    private let configuration: RetryBudgetConfiguration
    private let deposit: Int64
    private let maximum: Int64
    private let slotLength: Int64

    /// What is left of the deposits of each of the last ten tenths of the lifetime, by number of the tenth modulo ten.
    private var slots = [Int64](repeating: 0, count: Int(slotCount))
    /// The calls of each of these tenths, as far as they have ended or were refused a further one.
    private var calls = [Int64](repeating: 0, count: Int(slotCount))
    private var callCount: Int64 = 0
    /// The number of the tenth that takes deposits. It only grows.
    private var currentSlot: Int64
    /// The sum of all slots; at most `maximum`.
    private var earned: Int64 = 0

    private let floorInterval: Int64
    private let floorBurst: Int64
    /// The floor is spent as if one withdrawal had been made every interval until this moment, in nanoseconds
    /// (the "theoretical arrival time" of the generic cell rate algorithm). At most `now`.
    private var floorSpentUntil: Int64
    /// When a further call was paid for last, in nanoseconds, from whatever.
    private var lastPaid = Int64.min / 2

    /// Begins with the floor's burst and nothing earned.
    init(_ configuration: RetryBudgetConfiguration, now: MonotonicInstant) {
        self.configuration = configuration
        deposit = Int64((configuration.share * Double(Self.unit)).rounded())
        maximum = Int64(configuration.maximumBalance) * Self.unit
        slotLength = max(1, configuration.lifetime.wholeNanoseconds / Self.slotCount)
        currentSlot = now.nanoseconds / slotLength
        floorBurst = configuration.floorBurst
        let perSecond = configuration.floorPerSecond
        // A floor below one withdrawal in a year is none.
        floorInterval = perSecond > 0 ? Int64(min(1e9 / perSecond, 3e16).rounded(.up)) : 0
        floorSpentUntil = now.nanoseconds - floorBurst * floorInterval
    }

    /// The end of the time in which deposits need no ``advance(to:)``.
    var slotEnd: MonotonicInstant {
        MonotonicInstant(nanoseconds: (currentSlot + 1) * slotLength)
    }

    /// Lets expire what has expired: a deposit lives for a lifetime at most, and a tenth of it less at least.
    mutating func advance(to now: MonotonicInstant) {
        let slot = now.nanoseconds / slotLength
        guard slot > currentSlot else { return }
        for number in (currentSlot + 1)...min(slot, currentSlot + Self.slotCount) {
            let index = Int(number % Self.slotCount)
            earned -= slots[index]
            slots[index] = 0
            callCount -= calls[index]
            calls[index] = 0
        }
        currentSlot = slot
    }

    /// Takes in `count` deposits at the moment of the last ``advance(to:)``; what exceeds the maximum is lost.
    mutating func credit(_ count: Int64) {
        note(calls: count)
        let (sum, overflow) = count.multipliedReportingOverflow(by: deposit)
        let amount = min(overflow ? .max : sum, maximum - earned)
        guard amount > 0 else { return }
        slots[Int(currentSlot % Self.slotCount)] += amount
        earned += amount
    }

    /// Takes the price of one further call: from the floor, else from the oldest deposits.
    mutating func withdraw(now: MonotonicInstant) -> Bool {
        advance(to: now)
        let isPaid =
            isSeldom
            ? withdrawFromFloor(now: now) || withdrawEarned()
            : withdrawEarned() || isFloorDue(now: now)
        guard isPaid else {
            note(calls: 1)
            return false
        }
        lastPaid = max(lastPaid, now.nanoseconds)
        // Nothing of the floor is saved up beside what is earned.
        if !isSeldom { floorSpentUntil = max(floorSpentUntil, now.nanoseconds) }
        return true
    }

    private var isSeldom: Bool { callCount <= configuration.seldomCalls }

    private mutating func note(calls count: Int64) {
        // Saturates: so many deposits at once are a test's.
        let counted = min(count, Int64.max / 2 - callCount)
        calls[Int(currentSlot % Self.slotCount)] += counted
        callCount += counted
    }

    /// Whether the floor pays where calls are not seldom.
    private func isFloorDue(now: MonotonicInstant) -> Bool {
        guard floorBurst > 0 else { return false }
        return now.nanoseconds - lastPaid >= configuration.floorInterval(calls: callCount)
    }

    private mutating func withdrawEarned() -> Bool {
        guard earned >= Self.unit else { return false }
        earned -= Self.unit
        var rest = Self.unit
        for number in (currentSlot + 1)...(currentSlot + Self.slotCount) where rest > 0 {
            let index = Int(number % Self.slotCount)
            let taken = min(slots[index], rest)
            slots[index] -= taken
            rest -= taken
        }
        return true
    }

    private mutating func withdrawFromFloor(now: MonotonicInstant) -> Bool {
        guard floorBurst > 0 else { return false }
        let spentUntil = max(floorSpentUntil, now.nanoseconds - floorBurst * floorInterval)
        guard now.nanoseconds - spentUntil >= floorInterval else { return false }
        floorSpentUntil = spentUntil + floorInterval
        return true
    }

    /// The further calls that can be paid for now, floor included.
    mutating func balance(now: MonotonicInstant) -> Double {
        advance(to: now)
        return Double(earned) / Double(Self.unit) + Double(floorBalance(now: now))
    }

    private func floorBalance(now: MonotonicInstant) -> Int64 {
        guard isSeldom else { return isFloorDue(now: now) ? 1 : 0 }
        return floorBurst > 0 ? max(0, min(floorBurst, (now.nanoseconds - floorSpentUntil) / floorInterval)) : 0
    }
}
