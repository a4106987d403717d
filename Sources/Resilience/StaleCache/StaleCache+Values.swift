import Clocks

extension StaleCache {
    /// The values of these keys; what the source does not know is left out.
    ///
    /// Takes at most twice the fetch timeout: for a fetch that was under way, and for one more where that failed or did
    /// not know a key. Waiting also ends at ``Deadline/current``; nothing is fetched for a caller whose deadline has
    /// passed, though what is in memory is served.
    ///
    /// The caller's `isolation` is kept: what is in memory costs no change of thread.
    ///
    /// - Throws: When a value can neither be fetched nor served as it is, what the fetch threw or
    ///   ``Rejection/deadlineExceeded(operation:)``. `CancellationError` when the task is cancelled while it waits.
    public func values(
        for keys: [Key], isolation: isolated (any Actor)? = #isolation
    ) async throws -> [Key: Cached<Value>] {
        let first = look(keys, joining: nil)
        guard !first.awaited.isEmpty || !first.unasked.isEmpty else {
            report(first.found, nil)
            return first.found
        }
        var round = Round(begun: first.begun)
        try await go(first, &round)
        if !round.again.isEmpty {
            // What was begun since we came is as good as a fetch of our own.
            try await go(look(round.again, joining: first.begun), &round)
            try recall(round.again, &round)
        }
        let found = round.seen.mapValues(\.cached)
        report(found, round.failure)
        return found
    }

    /// What one look found, and who brings the rest.
    private struct Look {
        let at: MonotonicInstant
        var found: [Key: Cached<Value>]
        var awaited: [(flight: Flight, keys: [Key])] = []
        /// Missing, and not asked for since the caller's deadline has passed.
        var unasked: [Key] = []
        /// The latest fetch that had begun before.
        let begun: UInt64
    }

    /// What became of the keys so far.
    private struct Round {
        /// What there is, and when it was looked at.
        var seen: [Key: (cached: Cached<Value>, at: MonotonicInstant)] = [:]
        /// The latest fetch that had begun before the caller came.
        let begun: UInt64
        /// Not brought by a fetch that began since, for this reason.
        var failed: [Key] = []
        var failure: (any Error)?
        /// To be asked for again: a fetch that began before the caller came had no answer, or the value in memory became
        /// too old while others were waited for.
        var again: [Key] = []

        init(begun: UInt64) {
            self.begun = begun
        }

        mutating func fail(_ keys: [Key], _ error: any Error) {
            failed += keys
            failure = error
        }
    }

    /// Looks into memory and, for what is not there, joins the fetches under way, those alone that began after number
    /// `joining` if it is given, and begins one for the rest. All under one lock, so that two callers cannot both begin.
    private func look(_ keys: [Key], joining: UInt64?) -> Look {
        let now = time.now
        let isLate = Deadline.current?.hasPassed(at: now) ?? false
        var launched: [Flight] = []
        let look = state.withLock { state in
            let found = state.machine.find(keys, now: now)
            if joining == nil { state.count(found) }
            var look = Look(at: now, found: found.served, begun: state.machine.begun)
            if !found.ageing.isEmpty { launched.append(begin(found.ageing, &state, now)) }
            var rest: [Key] = []
            var joined: [UInt64: [Key]] = [:]
            for key in found.missing {
                if let number = state.machine.number(of: key, now: now), number > joining ?? 0 {
                    joined[number, default: []].append(key)
                } else {
                    rest.append(key)
                }
            }
            for (number, keys) in joined {
                if let flight = state.flights[number] { look.awaited.append((flight, keys)) }
            }
            if isLate {
                look.unasked = rest
            } else if !rest.isEmpty {
                launched.append(begin(rest, &state, now))
                look.awaited.append((launched[launched.count - 1], rest))
            }
            return look
        }
        for flight in launched { launch(flight) }
        return look
    }

    private func begin(_ keys: [Key], _ state: inout State, _ now: MonotonicInstant) -> Flight {
        let flight = Flight(
            number: state.machine.begin(keys, now: now), keys: keys, startedAt: now,
            endsAt: now.advanced(by: configuration.fetchTimeout))
        state.flights[flight.number] = flight
        return flight
    }

    /// Waits for what was looked for.
    ///
    /// - Throws: When a value has not come and cannot be served as it is either.
    private func go(
        _ look: Look, _ round: inout Round, isolation: isolated (any Actor)? = #isolation
    ) async throws {
        round.again = []
        for (key, cached) in look.found { round.seen[key] = (cached, look.at) }
        if !look.unasked.isEmpty { round.fail(look.unasked, Rejection.deadlineExceeded(operation: name)) }
        for (flight, keys) in look.awaited { try await wait(for: flight, keys, &round) }
        try serveFailed(&round)
        dropOutdated(&round)
    }

    private func wait(
        for flight: Flight, _ keys: [Key], _ round: inout Round, isolation: isolated (any Actor)? = #isolation
    ) async throws {
        let isOld = flight.number <= round.begun
        let deadline = Deadline.current?.instant ?? .distantFuture
        switch await flight.result.value(until: min(flight.endsAt, deadline), timer) {
        case .cancelled:
            throw CancellationError()
        case .value(.success(let values)):
            take(values, of: flight, keys, isOld: isOld, &round)
        case .value(.failure(let error)):
            if isOld { round.again += keys } else { round.fail(keys, error) }
        case .expired where deadline <= flight.endsAt:
            round.fail(keys, Rejection.deadlineExceeded(operation: name))
        case .expired:
            if isOld { round.again += keys } else { round.fail(keys, timedOut) }
        }
    }

    private var timedOut: Rejection { .timedOut(operation: name, limit: configuration.fetchTimeout) }

    private func take(
        _ values: [Key: Value], of flight: Flight, _ keys: [Key], isOld: Bool, _ round: inout Round
    ) {
        let now = time.now
        let age = flight.startedAt.duration(to: now)
        let freshness = configuration.freshness(age: age, hasFailed: false)
        for key in keys {
            if let value = values[key], let freshness {
                round.seen[key] = (Cached(value: value, age: age, freshness: freshness), now)
            } else if isOld {
                round.again.append(key)
            } else if values[key] != nil {
                round.fail([key], timedOut)
            }
        }
    }

    private func serveFailed(_ round: inout Round) throws {
        guard let failure = round.failure else { return }
        let now = time.now
        let served = state.withLock { [failed = round.failed] state in
            let served = failed.map { ($0, state.machine.lastResort($0, now: now)) }
            state.stale += UInt64(served.count { $0.1 != nil })
            return served
        }
        for (key, cached) in served {
            guard let cached else { throw failure }
            round.seen[key] = (cached, now)
        }
        round.failed = []
    }

    /// Brings the ages up to date; what has become too old is to be asked for again.
    private func dropOutdated(_ round: inout Round) {
        let now = time.now
        for (key, seen) in round.seen {
            let age = seen.cached.age + seen.at.duration(to: now)
            guard let freshness = configuration.freshness(age: age, hasFailed: seen.cached.isDegraded) else {
                round.seen[key] = nil
                round.again.append(key)
                continue
            }
            round.seen[key] = (Cached(value: seen.cached.value, age: age, freshness: freshness), now)
        }
    }

    /// What memory has by now, without waiting once more.
    private func recall(_ keys: [Key], _ round: inout Round) throws {
        guard !keys.isEmpty else { return }
        let now = time.now
        let found = state.withLock { $0.machine.find(keys, now: now) }
        for (key, cached) in found.served { round.seen[key] = (cached, now) }
        guard !found.missing.isEmpty else { return }
        round.fail(found.missing, timedOut)
        try serveFailed(&round)
    }

    private func report(_ found: [Key: Cached<Value>], _ failure: (any Error)?) {
        guard let observer, found.values.contains(where: \.isDegraded) else { return }
        let reason = failure.map { String(describing: $0) } ?? "the last fetch has failed"
        observer(.fallbackUsed(operation: name, reason: reason))
    }
}

extension StaleCache.State {
    fileprivate mutating func count(_ found: StaleCacheMachine<Key, Value>.Found) {
        let fresh = UInt64(found.served.values.count { $0.freshness == .fresh })
        self.fresh += fresh
        stale += UInt64(found.served.count) - fresh
        missed += UInt64(found.missing.count)
    }
}
