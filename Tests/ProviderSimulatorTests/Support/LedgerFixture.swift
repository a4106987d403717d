import Clocks
import Contracts

@testable import ProviderSimulator

/// A ledger with its clock and randomness, and short ways to ask it.
struct LedgerFixture {
    var ledger: Ledger
    var now = Timestamp(milliseconds: 1_767_225_600_000)
    let random: any RandomSource

    init(_ rules: LedgerRules = LedgerRules(), seed: UInt64 = 1) {
        ledger = Ledger(rules: rules)
        random = SeededRandom(seed: seed)
    }

    static func order(
        _ key: String, _ token: String = "tok_ok", amount: Int64 = 3998, currency: String = "EUR"
    ) -> ChargeOrder {
        // What makes two requests the same is decided at the API; here the amount and the token stand for it.
        ChargeOrder(
            key: key, amount: Money(amount: amount, currency: currency), token: token, reference: "o-\(key)",
            fingerprint: Array("\(amount)\(currency)\(token)".utf8))
    }

    mutating func charge(_ key: String, _ token: String = "tok_ok", amount: Int64 = 3998) -> ChargeOutcome {
        ledger.charge(Self.order(key, token, amount: amount), at: now, random: random)
    }

    mutating func refund(
        _ key: String, of charge: String, _ amount: Int64, currency: String = "EUR"
    ) -> RefundOutcome {
        let order = RefundOrder(
            key: key, charge: charge, amount: Money(amount: amount, currency: currency),
            fingerprint: Array("\(charge)\(amount)".utf8))
        return ledger.refund(order, at: now, random: random)
    }

    mutating func reverse(_ key: String) -> Charge? { ledger.reverse(key, at: now, random: random) }

    mutating func book(_ key: String, country: String = "DE") -> BookingOutcome {
        let order = BookingOrder(key: key, country: country, reference: "o-\(key)", fingerprint: Array(country.utf8))
        return ledger.book(order, at: now, random: random)
    }

    mutating func cancel(_ key: String) -> CancellationOutcome { ledger.cancel(key, at: now, random: random) }
    mutating func confirm(_ key: String) -> ConfirmationOutcome { ledger.confirm(key, at: now) }

    mutating func pass(_ duration: Duration) {
        now = now.advanced(by: duration)
        ledger.advance(to: now, random: random)
    }

    /// The types of the events that wait, in alphabetical order.
    var waiting: [String] { ledger.events.values.map(\.type).sorted() }
}

extension LedgerRules {
    static let telling: LedgerRules = {
        var rules = LedgerRules()
        rules.webhookTargets = [.payment, .carrier]
        return rules
    }()
}

extension ChargeOutcome {
    var charge: Charge? {
        switch self {
        case .made(let charge, _), .known(let charge): charge
        default: nil
        }
    }

    /// The outcome without its charge.
    var name: String {
        switch self {
        case .made(let charge, let manner): "made \(charge.status) \(manner)"
        case .known(let charge): "known \(charge.status)"
        case .keyReused: "keyReused"
        case .reversedBefore: "reversedBefore"
        case .refused: "refused"
        case .ledgerFull: "ledgerFull"
        }
    }
}
