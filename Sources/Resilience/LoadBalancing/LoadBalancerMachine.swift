import Clocks

/// Which place of a list gets the next call, without clock, lock or endpoints of its own.
///
/// Of two places drawn at random the one with fewer calls under way is taken (power of two choices, Mitzenmacher 1996).
/// Calls under way alone, and not latency too: what is slow has more of them, by Little's law, and unlike a remembered
/// latency the number is never out of date. An endpoint that is remembered as slow gets no calls that would show that it
/// is not, and one that fails fast looks attractive.
struct LoadBalancerMachine: Sendable {
    /// What a call brings back.
    struct Ticket: Hashable, Sendable {
        var index: Int
        var serial: UInt64
        var epoch: UInt32
        var startedAt: MonotonicInstant
    }

    /// Something an operator may want to know.
    enum Change: Hashable {
        case ejected(index: Int, reason: EjectionReason, time: Duration)
        case returned(index: Int)
    }

    /// What became of a result.
    enum Verdict: Hashable {
        case taken
        /// From before an ejection.
        case late
        /// Its endpoint is not in the list any more.
        case gone
    }

    let configuration: LoadBalancerConfiguration
    private(set) var hosts: [BalancedHost] = []
    /// Never more than ``maximumEjected``.
    private(set) var ejectedCount = 0
    private var random: FastRandom
    private var lastSerial: UInt64 = 0
    /// When the first of the ejected may come back.
    private var nextReturn = MonotonicInstant.distantFuture
    private var nextJudgement: MonotonicInstant

    init(_ configuration: LoadBalancerConfiguration, count: Int, seed: UInt64, now: MonotonicInstant) {
        self.configuration = configuration
        random = FastRandom(seed: seed)
        nextJudgement = now.advanced(by: configuration.interval)
        for _ in 0..<count { hosts.append(makeHost(.serving)) }
    }

    /// How many may be left out at a time.
    var maximumEjected: Int {
        guard hosts.count > 1, configuration.maximumEjectedShare > 0 else { return 0 }
        return min(hosts.count - 1, max(1, Int(configuration.maximumEjectedShare * Double(hosts.count))))
    }

    /// Whether ejections are disregarded.
    var isPanicking: Bool {
        Double(hosts.count - ejectedCount) < configuration.panicShare * Double(hosts.count)
    }

    /// Nil only when there is no endpoint. An excluded one is taken when there is no other.
    mutating func pick(
        excluding excluded: [Int], now: MonotonicInstant, jitter: any RandomSource, changes: inout [Change]
    ) -> Ticket? {
        advance(now: now, jitter: jitter, changes: &changes)
        guard !hosts.isEmpty else { return nil }
        let isPanicking = isPanicking
        let index = choose(now: now) { index, host in
            (isPanicking || !host.isEjected) && (excluded.isEmpty || !excluded.contains(index))
        }
        guard let index = index ?? choose(now: now, among: { isPanicking || !$1.isEjected }) else { return nil }
        hosts[index].inFlight += 1
        hosts[index].counts.picked += 1
        return Ticket(index: index, serial: hosts[index].serial, epoch: hosts[index].epoch, startedAt: now)
    }

    mutating func finish(
        _ ticket: Ticket, _ outcome: CallOutcome, now: MonotonicInstant, jitter: any RandomSource,
        changes: inout [Change]
    ) -> Verdict {
        advance(now: now, jitter: jitter, changes: &changes)
        guard let index = find(ticket) else { return .gone }
        hosts[index].inFlight -= 1
        guard hosts[index].epoch == ticket.epoch else {
            hosts[index].counts.late += 1
            return .late
        }
        hosts[index].counts.add(outcome)
        // While it is out, only a panic sends calls there; they say when it works again no better than time does.
        guard outcome != .neutral, !hosts[index].isEjected else { return .taken }
        hosts[index].note(outcome, latency: ticket.startedAt.duration(to: now))
        if let limit = failureLimit(of: hosts[index]), hosts[index].failuresInARow >= limit {
            eject(index, because: .consecutiveFailures, now: now, jitter: jitter, changes: &changes)
        }
        return .taken
    }

    /// Makes a new list: each place is one of the old, which keeps its state, or, for nil, new.
    mutating func replace(_ places: [Int?], now: MonotonicInstant, changes: inout [Change]) {
        let isFirst = hosts.isEmpty
        hosts = places.map { place in
            if let place { return hosts[place] }
            return makeHost(isFirst || configuration.slowStart == .zero ? .serving : .probation(since: now))
        }
        ejectedCount = hosts.count { $0.isEjected }
        while ejectedCount > maximumEjected, let index = firstToReturn() {
            takeBack(index, now: now, changes: &changes)
        }
        setNextReturn()
    }

    private mutating func makeHost(_ state: EndpointState) -> BalancedHost {
        lastSerial += 1
        return BalancedHost(serial: lastSerial, state: state)
    }

    private func find(_ ticket: Ticket) -> Int? {
        if ticket.index < hosts.count, hosts[ticket.index].serial == ticket.serial { return ticket.index }
        return hosts.firstIndex { $0.serial == ticket.serial }
    }
}

// MARK: Choosing

extension LoadBalancerMachine {
    private mutating func choose(now: MonotonicInstant, among isEligible: (Int, BalancedHost) -> Bool) -> Int? {
        var count = 0
        for index in hosts.indices where isEligible(index, hosts[index]) { count += 1 }
        guard count > 0 else { return nil }
        let first = random.next(below: count)
        // Another one, any with the same probability.
        let second = count > 1 ? (first + 1 + random.next(below: count - 1)) % count : first
        var (left, right, rank) = (0, 0, 0)
        for index in hosts.indices where isEligible(index, hosts[index]) {
            if rank == first { left = index }
            if rank == second { right = index }
            rank += 1
        }
        return better(left, right, now: now)
    }

    /// An endpoint on probation is passed over as often as its share is below a full one.
    private mutating func better(_ left: Int, _ right: Int, now: MonotonicInstant) -> Int {
        let (leftShare, rightShare) = (share(left, now: now), share(right, now: now))
        if leftShare < 1 || rightShare < 1 {
            let isLeftOut = random.nextUnit() >= leftShare
            let isRightOut = random.nextUnit() >= rightShare
            if isLeftOut != isRightOut { return isLeftOut ? right : left }
            if isLeftOut, leftShare != rightShare { return leftShare > rightShare ? left : right }
        }
        return hosts[right].inFlight < hosts[left].inFlight ? right : left
    }

    /// The part of a full share that an endpoint gets, which grows evenly during its slow start.
    func share(_ index: Int, now: MonotonicInstant) -> Double {
        guard case .probation(let since) = hosts[index].state else { return 1 }
        let passed = since.duration(to: now) / configuration.slowStart
        return max(configuration.initialShare, min(1, passed))
    }
}

// MARK: Ejecting

/// Why an endpoint was ejected.
enum EjectionReason: String, Hashable, Sendable {
    case consecutiveFailures
    case failureRate
    case successRate
}

extension LoadBalancerMachine {
    private func failureLimit(of host: BalancedHost) -> Int? {
        guard let limit = configuration.consecutiveFailures else { return nil }
        if case .probation = host.state { return (limit + 1) / 2 }
        return limit
    }

    private mutating func advance(now: MonotonicInstant, jitter: any RandomSource, changes: inout [Change]) {
        if nextReturn <= now {
            for index in hosts.indices {
                if case .ejected(let until) = hosts[index].state, until <= now {
                    takeBack(index, now: now, changes: &changes)
                }
            }
            setNextReturn()
        }
        guard nextJudgement <= now else { return }
        nextJudgement = now.advanced(by: configuration.interval)
        judge(now: now, jitter: jitter, changes: &changes)
        for index in hosts.indices {
            if case .probation(let since) = hosts[index].state, since.duration(to: now) >= configuration.slowStart {
                hosts[index].state = .serving
            } else if hosts[index].state == .serving {
                hosts[index].ejections = max(0, hosts[index].ejections - 1)
            }
            hosts[index].calls = 0
            hosts[index].failures = 0
        }
    }

    private mutating func judge(now: MonotonicInstant, jitter: any RandomSource, changes: inout [Change]) {
        let judged = hosts.indices.filter { !hosts[$0].isEjected && hosts[$0].calls >= configuration.minimumCalls }
        let rates = judged.map { Double(hosts[$0].calls - hosts[$0].failures) / Double(hosts[$0].calls) }
        let lowest = lowestSuccessRate(rates)
        // The worst first: there may not be room for all.
        for (rate, index) in zip(rates, judged).sorted(by: { ($0.0, $0.1) < ($1.0, $1.1) }) {
            if let limit = configuration.failureRate, 1 - rate >= limit {
                eject(index, because: .failureRate, now: now, jitter: jitter, changes: &changes)
            } else if let lowest, rate < lowest {
                eject(index, because: .successRate, now: now, jitter: jitter, changes: &changes)
            }
        }
    }

    /// What is below is an outlier; nil when there are too few to tell.
    private func lowestSuccessRate(_ rates: [Double]) -> Double? {
        guard let deviations = configuration.deviations, rates.count >= configuration.minimumEndpoints else {
            return nil
        }
        let mean = rates.reduce(0, +) / Double(rates.count)
        let variance = rates.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(rates.count)
        return mean - max(deviations * variance.squareRoot(), configuration.minimumDifference)
    }

    private mutating func eject(
        _ index: Int, because reason: EjectionReason, now: MonotonicInstant, jitter: any RandomSource,
        changes: inout [Change]
    ) {
        guard ejectedCount < maximumEjected else { return }
        hosts[index].ejections += 1
        let time = configuration.ejectionTime.delay(
            hosts[index].ejections, after: hosts[index].lastEjectionTime, random: jitter)
        hosts[index].lastEjectionTime = time
        hosts[index].state = .ejected(until: now.advanced(by: time))
        hosts[index].epoch &+= 1
        hosts[index].failuresInARow = 0
        hosts[index].counts.ejected += 1
        ejectedCount += 1
        nextReturn = min(nextReturn, now.advanced(by: time))
        changes.append(.ejected(index: index, reason: reason, time: time))
    }

    private mutating func takeBack(_ index: Int, now: MonotonicInstant, changes: inout [Change]) {
        hosts[index].state = configuration.slowStart > .zero ? .probation(since: now) : .serving
        // What a panic has sent there meanwhile belongs to the ejection.
        hosts[index].epoch &+= 1
        hosts[index].failuresInARow = 0
        hosts[index].calls = 0
        hosts[index].failures = 0
        ejectedCount -= 1
        changes.append(.returned(index: index))
    }

    private func firstToReturn() -> Int? {
        var first: (index: Int, until: MonotonicInstant)?
        for index in hosts.indices {
            guard case .ejected(let until) = hosts[index].state, until < first?.until ?? .distantFuture else {
                continue
            }
            first = (index, until)
        }
        return first?.index
    }

    private mutating func setNextReturn() {
        nextReturn = .distantFuture
        for case .ejected(let until) in hosts.lazy.map(\.state) { nextReturn = min(nextReturn, until) }
    }
}
