import Clocks

/// A read side that lags behind: for some keys, what single reads say is not yet what the ledger knows.
///
/// Whether a change is seen late, how late, and what is said meanwhile follows from seed, key and the time of the change,
/// not from who asks how often: the same question is answered the same way until the lag is over, and truly from then on.
struct ReadLag: Sendable {
    let rules: FaultRules
    let seed: UInt64

    /// What to say in place of the truth about something last changed at `changed`; nil when the truth is told.
    func lie(about key: String, changed: Timestamp, now: Timestamp) -> FaultRules.Lie? {
        guard rules.lyingStatusRate > 0, !rules.lies.isEmpty else { return nil }
        let random = SeededRandom(seed: Self.mix(seed, key, changed))
        guard random.nextUnit() < rules.lyingStatusRate else { return nil }
        // At least a part of the time, or the rate would not be what it says.
        let lag = rules.lyingSeconds * (0.25 + 0.75 * random.nextUnit())
        let lie = rules.lies[Int(random.nextUnit() * Double(rules.lies.count))]
        let age = changed.duration(to: now)
        return age >= .zero && age.inSeconds < lag ? lie : nil
    }

    /// FNV-1a over the key, from a start that depends on the rest.
    private static func mix(_ seed: UInt64, _ key: String, _ changed: Timestamp) -> UInt64 {
        var hash = 0xCBF2_9CE4_8422_2325 ^ seed ^ UInt64(bitPattern: changed.microseconds) &* 0x9E37_79B9_7F4A_7C15
        for byte in key.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return hash
    }
}

extension Charge {
    /// What a lagging read says of the charge; nil for not found, as always for a tombstone, which has nothing to show.
    func told(_ lie: FaultRules.Lie) -> Charge? {
        guard !isTombstone else { return nil }
        var told = self
        told.refunded = 0
        switch lie {
        case .notFound: return nil
        case .pending:
            told.status = .pending
            told.captured = 0
        case .other:
            let wasTaken = status == .captured
            told.status = wasTaken ? .declined : .captured
            told.captured = wasTaken ? 0 : amount?.amount ?? 0
        }
        return told
    }
}

extension Booking {
    /// What a lagging read says of the booking; nil for not found. A booking has no status for what is not decided.
    func told(_ lie: FaultRules.Lie) -> Booking? {
        var told = self
        switch lie {
        case .other where !isTombstone: told.status = status == .booked ? .refused : .booked
        case .notFound, .pending, .other: return nil
        }
        return told
    }
}
