import Contracts
import OrderService

/// What a customer will do.
struct OrderPlan: Sendable, Hashable {
    /// What becomes of the payment and of the booking, if nothing goes wrong.
    enum Fortune: String, Sendable, Hashable, CaseIterable {
        case smooth, declined, slowPayment, refusedByCarrier, slowCarrier
    }

    /// Its number in the world.
    var number: Int
    var at: Instant
    var lines: [OrderLine]
    var fortune: Fortune
    /// How many times the request is sent at once, under one key, to whichever replica.
    var copies: Int
    /// How long an answer is waited for before it is sent again.
    var patience: Int64
    /// Whether it is sent until there is an answer, or given up some time.
    var attempts: Int
    /// How long after the first answer the customer wants it cancelled.
    var cancelledAfter: Int64?
    /// Whether the key is used for something else afterwards.
    var reusesKey: Bool
}

/// Something that is sold.
struct ItemPlan: Sendable, Hashable {
    var sku: String
    var price: Int64
    var stock: Int64
}

/// One world as its seed draws it: how it is built, what is ordered and what goes wrong.
package struct Plan: Sendable {
    package let seed: UInt64
    var replicas: Int
    var partitions: Int
    /// How many messages are handled, and how many are published, in one go.
    var batchLimit: Int
    var publishLimit: Int
    /// How many rows the relay's memory holds.
    var relayMemory: Int
    /// Whether the provider and the carrier answer within the transaction, as `builtin` ones do, or are called.
    var providerIsBuiltin: Bool
    var carrierIsBuiltin: Bool
    /// By which way order-service sends its commands.
    var channel: CommandChannel
    /// Whether the saga gives its steps the real patience, or a short one so that more of them are given up.
    var isImpatient: Bool
    var items: [ItemPlan]
    var orders: [OrderPlan]
    var faults: [Fault]

    /// From then on nothing goes wrong any more.
    static let healed = Instant.seconds(240)
    /// By then everything has come to rest.
    static let deadline = Instant.seconds(240 + 1800)

    /// Draws the plan of a seed.
    package init(seed: UInt64) {
        var random = Randomness(seed: seed, stream: 0)
        self.seed = seed
        replicas = random.chance(0.25) ? 3 : 2
        partitions = 1 + random.below(3)
        batchLimit = random.chance(0.3) ? 1 : 2 + random.below(15)
        publishLimit = random.chance(0.3) ? 1 : 2 + random.below(15)
        relayMemory = random.chance(0.1) ? 4 + random.below(8) : 1000
        providerIsBuiltin = random.chance(0.3)
        carrierIsBuiltin = random.chance(0.3)
        channel = random.chance(0.6) ? .auto : random.pick([.kafka, .http])
        isImpatient = random.chance(0.4)
        let plenty = 1 + random.below(40)
        items = (0..<1 + random.below(3)).map { index in
            ItemPlan(sku: "SKU-\(index)", price: 100 + random.within(0...900), stock: Int64(random.below(plenty)))
        }
        orders = []
        faults = []
        let calm = random.chance(0.3)
        for number in 0..<3 + random.below(8) { orders.append(order(number, calm: calm, &random)) }
        faults = FaultDraw(replicas: replicas * SimulatedService.allCases.count).draw(&random)
    }

    private func order(_ number: Int, calm: Bool, _ random: inout Randomness) -> OrderPlan {
        let wanted = items.shuffled(&random).prefix(1 + random.below(items.count))
        let isSmooth = random.chance(calm ? 0.9 : 0.5)
        return OrderPlan(
            number: number, at: random.within(0...Instant.seconds(60)),
            lines: wanted.map { OrderLine(sku: $0.sku, quantity: random.within(1...3)) },
            fortune: isSmooth ? .smooth : random.pick(OrderPlan.Fortune.allCases),
            copies: random.chance(0.2) ? 2 + random.below(2) : 1,
            patience: random.within(.milliseconds(200)...Int64.seconds(5)),
            attempts: random.chance(0.1) ? 1 : .max,
            cancelledAfter: random.chance(calm ? 0.05 : 0.25) ? random.skewed(0...Int64.seconds(30)) : nil,
            reusesKey: random.chance(0.1))
    }
}

extension Array {
    fileprivate func shuffled(_ random: inout Randomness) -> [Element] {
        var elements = self
        guard count > 1 else { return elements }
        for index in stride(from: count - 1, through: 1, by: -1) { elements.swapAt(index, random.below(index + 1)) }
        return elements
    }
}
