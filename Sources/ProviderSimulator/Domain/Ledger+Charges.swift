import Clocks
import Contracts

/// What a request for money came to.
enum ChargeOutcome: Hashable, Sendable {
    /// How the one who asked is to be answered.
    enum Manner: Hashable, Sendable {
        case plain
        /// Only once the charge is decided.
        case whenDecided
        /// Not at all.
        case lost
        /// With an error.
        case failing
    }

    case made(Charge, Manner)
    /// The key was used for the same request before.
    case known(Charge)
    /// The key was used for another request.
    case keyReused
    /// The key was reversed before.
    case reversedBefore
    /// Nothing was done this time.
    case refused
    case ledgerFull
}

/// What a request to give back a part came to.
enum RefundOutcome: Hashable, Sendable {
    case made(Refund)
    case known(Refund)
    case keyReused
    case unknownCharge
    /// The charge took no money, or all of it went back.
    case notCaptured(Charge.Status)
    case otherCurrency(String)
    /// More was asked than this, which remains.
    case exceeds(remaining: Int64)
    case ledgerFull
}

extension Ledger {
    /// Takes the money once, however often it is asked under one key.
    mutating func charge(_ order: ChargeOrder, at now: Timestamp, random: any RandomSource) -> ChargeOutcome {
        if let known = charges[order.key] {
            guard let fingerprint = known.fingerprint else { return .reversedBefore }
            guard fingerprint == order.fingerprint else { return .keyReused }
            commit(.duplicate(.charge))
            return .known(known)
        }
        guard !isFull || refusals[order.key] != nil else { return .ledgerFull }
        let token = TestToken(order.token)
        if token == .flaky, refusals[order.key, default: 0] < rules.flakyRefusals {
            commit(.refusal(key: order.key))
            return .refused
        }
        let charge = Self.made(order, token, rules, at: now, random: random)
        commit(.charge(charge))
        announce(charge, at: now, random: random)
        let manner: ChargeOutcome.Manner =
            switch token {
            case .slow: .whenDecided
            case .lost: .lost
            case .failing: .failing
            case .ok, .declined, .pending, .flaky: .plain
            }
        return .made(charge, manner)
    }

    private static func made(
        _ order: ChargeOrder, _ token: TestToken, _ rules: LedgerRules, at now: Timestamp, random: any RandomSource
    ) -> Charge {
        var charge = Charge(
            id: "ch_\(UUID.version7(at: now, random: random))", key: order.key, status: .pending,
            amount: order.amount, reference: order.reference, fingerprint: order.fingerprint, createdAt: now,
            updatedAt: now)
        switch token {
        case .ok, .flaky, .lost, .failing: charge.capture(at: now)
        case .declined: charge.status = .declined
        case .slow: charge.dueAt = now.advanced(by: rules.slowness)
        case .pending: charge.dueAt = now.advanced(by: rules.pendingDelay)
        }
        return charge
    }

    /// Gives back what was taken and sees to it that nothing is taken any more; nil when an unknown key finds no room.
    mutating func reverse(_ key: String, at now: Timestamp, random: any RandomSource) -> Charge? {
        guard var charge = charges[key] else {
            guard !isFull else { return nil }
            let tombstone = Charge(
                id: "ch_\(UUID.version7(at: now, random: random))", key: key, status: .reversed, amount: nil,
                reference: nil, fingerprint: nil, createdAt: now, updatedAt: now)
            commit(.charge(tombstone))
            announce(tombstone, at: now, random: random)
            return tombstone
        }
        switch charge.status {
        case .declined, .reversed: return charge
        case .captured, .pending:
            charge.reverse(at: now)
            commit(.charge(charge))
            announce(charge, at: now, random: random)
            return charge
        }
    }

    /// Gives back a part once, however often it is asked under one key.
    mutating func refund(_ order: RefundOrder, at now: Timestamp, random: any RandomSource) -> RefundOutcome {
        if let known = refunds[order.key] {
            guard known.fingerprint == order.fingerprint else { return .keyReused }
            commit(.duplicate(.refund))
            return .known(known)
        }
        guard let charge = charges[order.charge], let amount = charge.amount else { return .unknownCharge }
        guard charge.status == .captured else { return .notCaptured(charge.status) }
        guard amount.currency == order.amount.currency else { return .otherCurrency(amount.currency) }
        guard order.amount.amount <= charge.remaining else { return .exceeds(remaining: charge.remaining) }
        guard !isFull else { return .ledgerFull }
        let refund = Refund(
            id: "re_\(UUID.version7(at: now, random: random))", key: order.key, charge: order.charge,
            amount: order.amount, fingerprint: order.fingerprint, createdAt: now)
        commit(.refund(refund))
        return .made(refund)
    }
}
