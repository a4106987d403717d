/// A world's faults, arranged for being asked about at any instant.
struct ActiveFaults {
    private var mishaps: [(mishap: Fault.Mishap, rate: Double, window: Window)] = []
    private var brokerAway: [Window] = []
    private var databaseAway: [[Window]] = Array(repeating: [], count: 4)
    private var databaseTrouble: [[(failed: Double, unknown: Double, window: Window)]] = Array(repeating: [], count: 4)
    private var proofsLost: [Int: [Window]] = [:]
    private var poison: [[(rate: Double, window: Window)]] = Array(repeating: [], count: 4)
    private var emptyBudgets: [(rate: Double, window: Window)] = []
    private var requestsLost: [(rate: Double, window: Window)] = []
    private var provider = OutsiderFaults()
    private var carrier = OutsiderFaults()
    private(set) var clockSkew: [Int: Int64] = [:]
    private(set) var databaseSkew: [Int64] = [0, 0, 0, 0]
    /// By replica and durable step: for how long it is down.
    private(set) var crashes: [Int: [Int: Int64]] = [:]

    /// What goes wrong with a payment provider or a carrier.
    struct OutsiderFaults {
        var mishaps: [(mishap: Fault.CallMishap, rate: Double, window: Window)] = []
        var away: [Window] = []

        func isAway(_ now: Instant) -> Bool { away.contains { $0.contains(now) } }

        func mishap(_ now: Instant, _ random: inout Randomness) -> Fault.CallMishap? {
            for (mishap, rate, window) in mishaps where window.contains(now) && random.chance(rate) { return mishap }
            return nil
        }
    }

    init(_ faults: [Fault]) {
        for fault in faults {
            switch fault.kind {
            case .crash(let replica, let step, let down): crashes[replica, default: [:]][step] = down
            case .clockSkew(let replica, let skew): clockSkew[replica] = skew
            case .databaseSkew(let service, let skew): databaseSkew[service.rawValue] = skew
            case .proofOfLifeLost(let replica, let window): proofsLost[replica, default: []].append(window)
            case .databaseTrouble(let service, let failed, let unknown, let window):
                databaseTrouble[service.rawValue].append((failed, unknown, window))
            case .databaseAway(let service, let window): databaseAway[service.rawValue].append(window)
            case .brokerAway(let window, _): brokerAway.append(window)
            case .brokerMishap(let mishap, let rate, let window): mishaps.append((mishap, rate, window))
            case .providerMishap(let mishap, let rate, let window): provider.mishaps.append((mishap, rate, window))
            case .carrierMishap(let mishap, let rate, let window): carrier.mishaps.append((mishap, rate, window))
            case .providerAway(let window): provider.away.append(window)
            case .carrierAway(let window): carrier.away.append(window)
            case .poison(let service, let rate, let window): poison[service.rawValue].append((rate, window))
            case .emptyBudget(let rate, let window): emptyBudgets.append((rate, window))
            case .requestsLost(let rate, let window): requestsLost.append((rate, window))
            case .pause, .rebalance: break  // these are events
            }
        }
    }

    func isBrokerAway(_ now: Instant) -> Bool { brokerAway.contains { $0.contains(now) } }
    func isProofLost(_ replica: Int, _ now: Instant) -> Bool {
        proofsLost[replica]?.contains { $0.contains(now) } ?? false
    }

    func mishap(_ now: Instant, _ random: inout Randomness) -> Fault.Mishap? {
        for (mishap, rate, window) in mishaps where window.contains(now) && random.chance(rate) { return mishap }
        return nil
    }

    func outsider(_ service: SimulatedService) -> OutsiderFaults { service == .payment ? provider : carrier }

    /// What becomes of a transaction that would commit now.
    func transaction(_ service: SimulatedService, _ now: Instant, _ random: inout Randomness) -> TransactionEnd {
        if databaseAway[service.rawValue].contains(where: { $0.contains(now) }) { return .failed }
        for (failed, unknown, window) in databaseTrouble[service.rawValue] where window.contains(now) {
            if random.chance(failed) { return .failed }
            if random.chance(unknown) { return .unknown(isCommitted: random.chance(0.5)) }
        }
        return .committed
    }

    /// Whether this message can be handled at this time: decided by the message, not by chance, for a repeat is as bad.
    func isPoisonous(_ message: UInt64, for service: SimulatedService, _ now: Instant) -> Bool {
        for (rate, window) in poison[service.rawValue] where window.contains(now) {
            var random = Randomness(seed: message)
            if random.chance(rate) { return true }
        }
        return false
    }

    func isBudgetEmpty(_ now: Instant, _ random: inout Randomness) -> Bool {
        emptyBudgets.contains { $0.window.contains(now) && random.chance($0.rate) }
    }

    func isRequestLost(_ now: Instant, _ random: inout Randomness) -> Bool {
        requestsLost.contains { $0.window.contains(now) && random.chance($0.rate) }
    }
}

/// How a transaction ended, as the process that ran it sees it.
enum TransactionEnd: Hashable {
    case committed
    /// Rolled back.
    case failed
    /// The connection was lost around the commit.
    case unknown(isCommitted: Bool)

    var isApplied: Bool { self == .committed || self == .unknown(isCommitted: true) }
}
