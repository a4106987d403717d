/// Values by key, in the order of their last use. Finding, using, inserting and removing the oldest are O(1).
///
/// The order is a list through the slots of one array, so nothing is allocated but that array and the index.
struct RecentlyUsed<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Slot {
        var key: Key
        var value: Value
        var older: Int
        var newer: Int
    }

    private static var none: Int { -1 }

    private var slots: [Slot] = []
    private var index: [Key: Int] = [:]
    private var oldest = Self.none
    private var newest = Self.none

    var count: Int { slots.count }

    /// From the one used longest ago to the latest.
    var values: [Value] {
        var values: [Value] = []
        var position = oldest
        while position != Self.none {
            values.append(slots[position].value)
            position = slots[position].newer
        }
        return values
    }

    /// The value, left where it is in the order.
    subscript(key: Key) -> Value? { index[key].map { slots[$0].value } }

    /// The value, which is the latest used now.
    mutating func use(_ key: Key) -> Value? {
        guard let position = index[key] else { return nil }
        if position != newest {
            unlink(position)
            link(position)
        }
        return slots[position].value
    }

    /// Changes the value in place, and leaves it where it is in the order; nil when it is not there.
    mutating func change<Answer>(_ key: Key, _ body: (inout Value) -> Answer) -> Answer? {
        index[key].map { body(&slots[$0].value) }
    }

    /// Takes the value out.
    @discardableResult
    mutating func remove(_ key: Key) -> Value? {
        index[key].map { remove(at: $0) }
    }

    /// Adds a value as the latest used.
    ///
    /// - Precondition: The key is not there.
    mutating func insert(_ value: Value, for key: Key) {
        precondition(index[key] == nil, "a key is inserted once")
        slots.append(Slot(key: key, value: value, older: Self.none, newer: Self.none))
        index[key] = slots.count - 1
        link(slots.count - 1)
    }

    /// Removes the one used longest ago among those that may go, or the very oldest when none may.
    mutating func removeOldest(where mayGo: (inout Value) -> Bool) -> Value? {
        var position = oldest
        while position != Self.none, !mayGo(&slots[position].value) { position = slots[position].newer }
        if position == Self.none { position = oldest }
        return position == Self.none ? nil : remove(at: position)
    }

    /// Takes a slot out; the last one fills the gap.
    private mutating func remove(at position: Int) -> Value {
        unlink(position)
        index[slots[position].key] = nil
        let last = slots.removeLast()
        guard position < slots.count else { return last.value }
        let removed = slots[position].value
        slots[position] = last
        index[last.key] = position
        if last.older == Self.none { oldest = position } else { slots[last.older].newer = position }
        if last.newer == Self.none { newest = position } else { slots[last.newer].older = position }
        return removed
    }

    private mutating func unlink(_ position: Int) {
        let (older, newer) = (slots[position].older, slots[position].newer)
        if older == Self.none { oldest = newer } else { slots[older].newer = newer }
        if newer == Self.none { newest = older } else { slots[newer].older = older }
    }

    private mutating func link(_ position: Int) {
        slots[position].older = newest
        slots[position].newer = Self.none
        if newest == Self.none { oldest = position } else { slots[newest].newer = position }
        newest = position
    }
}
