import Clocks
import Defects

/// How a batch divides into what may be handled now and what has to wait: pure.
///
/// A message waits when it is in trouble itself, when messages of its key wait already, or when an earlier one of its
/// key in the batch waits. Both parts keep the order of arrival, so the order per key is kept.
package struct ParkingPlan: Sendable {
    private let keys: [UUID?]
    private let parked: Set<UUID>
    private var troubled: Set<Int>
    /// The places in the batch of what may be handled, in order.
    package private(set) var begun: [Int] = []
    /// The places of what is to be parked, in order.
    package private(set) var waiting: [Int] = []
    /// The places of those that wait first of their key: the others wait for them.
    package private(set) var heads: [Int] = []
    /// The places of what names no key: nothing can wait behind it, and it has nowhere to wait.
    package private(set) var keyless: [Int] = []

    /// - Parameters:
    ///   - keys: the key of each message of the batch; nil for one that names none.
    ///   - parked: the keys of which messages wait already.
    ///   - troubled: the places of messages that are known not to be manageable now.
    package init(keys: [UUID?], parked: Set<UUID>, troubled: Set<Int>) {
        self.keys = keys
        self.parked = Defect.followersOvertake.isOn ? [] : parked
        self.troubled = troubled
        divide()
    }

    /// More messages turned out not to be manageable; answers whether others, which had begun, have to wait for them.
    package mutating func refuse(_ places: Set<Int>) -> Bool {
        let before = begun.count
        troubled.formUnion(places)
        divide()
        return begun.count < before - places.count
    }

    private mutating func divide() {
        var blocked = parked
        var opened = parked
        (begun, waiting, heads, keyless) = ([], [], [], [])
        for (place, key) in keys.enumerated() {
            guard let key else {
                if !Defect.poisonDropped.isOn { keyless.append(place) }
                continue
            }
            if troubled.contains(place) {
                if Defect.poisonDropped.isOn { continue }
                waiting.append(place)
                if opened.insert(key).inserted { heads.append(place) }
                if !Defect.followersOvertake.isOn { blocked.insert(key) }
            } else if blocked.contains(key) {
                waiting.append(place)
            } else {
                begun.append(place)
            }
        }
    }
}
