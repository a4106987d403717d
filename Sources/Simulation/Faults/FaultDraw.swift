/// Draws what goes wrong in a world.
///
/// Each seed picks which kinds of fault there are at all, and how bad they are: a world with everything at once hides
/// what a world with two things shows (swarm testing, Groce and others 2012).
struct FaultDraw {
    let replicas: Int
    private static let faulty: ClosedRange<Instant> = 0...Instant.seconds(150)

    init(replicas: Int) {
        self.replicas = replicas
    }

    func draw(_ random: inout Randomness) -> [Fault] {
        var kinds: [Fault.Kind] = []
        // How likely each kind is in this world.
        let taste = random.pick([0.0, 0.1, 0.25, 0.5])
        func wants(_ random: inout Randomness) -> Bool { random.chance(taste) }
        if random.chance(0.5) { kinds += crashes(&random) }
        if random.chance(0.4) {
            kinds += some(&random, 6) { .pause(replica: $0.below(replicas), window(&$0, upTo: .seconds(60))) }
        }
        if wants(&random) { kinds += some(&random, 6) { .clockSkew(replica: $0.below(replicas), skew(&$0)) } }
        if wants(&random) { kinds += some(&random, 3) { .databaseSkew(service(&$0), skew(&$0)) } }
        if wants(&random) {
            kinds += some(&random, 3) { .proofOfLifeLost(replica: $0.below(replicas), window(&$0, upTo: .seconds(30))) }
        }
        if wants(&random) { kinds += some(&random, 4, databaseTrouble) }
        if wants(&random) { kinds += some(&random, 2) { .databaseAway(service(&$0), window(&$0, upTo: .seconds(60))) } }
        kinds += broker(taste, &random)
        kinds += outsiders(taste, &random)
        if wants(&random) {
            kinds += some(&random, 2) { .poison(service(&$0), rate: rate(&$0), window(&$0, upTo: .seconds(60))) }
        }
        if wants(&random) { kinds.append(.emptyBudget(rate: random.unit(), window(&random, upTo: .seconds(120)))) }
        if wants(&random) { kinds.append(.requestsLost(rate: rate(&random), window(&random, upTo: .seconds(100)))) }
        return kinds.map { Fault(kind: $0) }
    }

    private func crashes(_ random: inout Randomness) -> [Fault.Kind] {
        some(&random, 8) {
            // Early steps are where most worlds spend their lives; each replica has at least some dozens.
            .crash(
                replica: $0.below(replicas), step: Int($0.skewed(1...400)),
                down: $0.skewed(.milliseconds(100)...Int64.seconds(30)))
        }
    }

    private func broker(_ taste: Double, _ random: inout Randomness) -> [Fault.Kind] {
        var kinds: [Fault.Kind] = []
        if random.chance(taste) {
            kinds += some(&random, 2) { .brokerAway(window(&$0, upTo: .seconds(45)), forgets: $0.chance(0.5)) }
        }
        for mishap in Fault.Mishap.allCases where random.chance(taste) {
            kinds.append(.brokerMishap(mishap, rate: rate(&random), window(&random, upTo: .seconds(100))))
        }
        if random.chance(taste) {
            kinds += some(&random, 4) { .rebalance(service(&$0), at: $0.within(Self.faulty)) }
        }
        return kinds
    }

    private func outsiders(_ taste: Double, _ random: inout Randomness) -> [Fault.Kind] {
        var kinds: [Fault.Kind] = []
        for mishap in Fault.CallMishap.allCases {
            if random.chance(taste) {
                kinds.append(.providerMishap(mishap, rate: rate(&random), window(&random, upTo: .seconds(100))))
            }
            if random.chance(taste) {
                kinds.append(.carrierMishap(mishap, rate: rate(&random), window(&random, upTo: .seconds(100))))
            }
        }
        if random.chance(taste) { kinds.append(.providerAway(window(&random, upTo: .seconds(180)))) }
        if random.chance(taste) { kinds.append(.carrierAway(window(&random, upTo: .seconds(180)))) }
        return kinds
    }

    private func databaseTrouble(_ random: inout Randomness) -> Fault.Kind {
        .databaseTrouble(
            service(&random), failed: rate(&random), unknown: rate(&random), window(&random, upTo: .seconds(100)))
    }

    // MARK: Draws

    private func some(
        _ random: inout Randomness, _ maximum: Int, _ make: (inout Randomness) -> Fault.Kind
    ) -> [Fault.Kind] {
        (0..<1 + random.below(maximum)).map { _ in make(&random) }
    }

    private func service(_ random: inout Randomness) -> SimulatedService {
        random.pick(SimulatedService.allCases)
    }

    private func window(_ random: inout Randomness, upTo longest: Int64) -> Window {
        let from = random.skewed(Self.faulty)
        let end = from + random.within(.milliseconds(100)...longest)
        return Window(from: from, until: min(end, Plan.healed - .seconds(1)))
    }

    /// Mostly rare, sometimes half of all.
    private func rate(_ random: inout Randomness) -> Double {
        let unit = random.unit()
        return 0.02 + 0.48 * unit * unit
    }

    /// Minutes, in either direction.
    private func skew(_ random: inout Randomness) -> Int64 {
        random.within(.seconds(-600)...Int64.seconds(600))
    }
}
