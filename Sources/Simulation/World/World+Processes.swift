import Defects
import Messaging

/// Processes live, die, sleep and commit.
extension World {
    /// How a transaction ended for the process that ran it.
    enum Ran {
        case committed, failed, unknown
        /// The process died before it could know.
        case died
    }

    /// A durable step lies here; answers whether the process lives on.
    func passes(_ replica: Int) -> Bool {
        replicas[replica].steps += 1
        guard let down = faults.crashes[replica]?[replicas[replica].steps], now < Plan.healed else { return true }
        note(replicas[replica].name, "dies at its durable step \(replicas[replica].steps)")
        crashCount += 1
        replicas[replica].isUp = false
        replicas[replica].incarnation += 1
        push(.start(replica: replica), after: down)
        push(.expel(replica: replica, incarnation: replicas[replica].incarnation), after: Self.session)
        return false
    }

    /// After this silence a group's member is taken for dead.
    static let session = Int64.seconds(6)

    func start(_ replica: Int) {
        nextOwner += 1
        replicas[replica].restart(owner: nextOwner, relayMemory: plan.relayMemory)
        if now > 0 { note(replicas[replica].name, "starts again") }
        join(replica)
        planDue(replicas[replica].service)
        planParked(replicas[replica].service)
        planSweep(replica, after: withRandom(of: replica) { $0.within(0...1_000_000) })
    }

    func pause(_ replica: Int, until: Instant) {
        guard replicas[replica].isUp, until > replicas[replica].pausedUntil else { return }
        note(replicas[replica].name, "sleeps until \(until.asSeconds)")
        replicas[replica].pausedUntil = until
        push(.wake(replica: replica), after: until - now)
        if until - now > Self.session {
            push(.expel(replica: replica, incarnation: replicas[replica].incarnation), after: Self.session)
        }
    }

    func wake(_ replica: Int) {
        guard replicas[replica].isUp, replicas[replica].pausedUntil <= now else { return }
        note(replicas[replica].name, "wakes")
        // What it was about to do it does first; then it hears that its group goes on without it.
        push(.rejoin, of: replica, after: withRandom(of: replica) { $0.within(0...200_000) })
    }

    /// Whether others see that the process lives: its session with the advisory lock.
    func isAlive(_ owner: Int64) -> Bool {
        replicas.contains { $0.isUp && $0.owner == owner && !faults.isProofLost($0.id, now) }
    }

    /// Commits what `apply` writes. A process can die before it, and after it without knowing how it ended.
    func commit(_ replica: Int, _ apply: () -> Void) -> Ran {
        guard passes(replica) else { return .died }
        let service = replicas[replica].service
        let end = now < Plan.healed ? withRandom(of: replica) { faults.transaction(service, now, &$0) } : .committed
        if end.isApplied {
            apply()
            planDue(service)
        }
        if case .unknown = end { saw(.unknownCommit) }
        if end != .committed { note(replicas[replica].name, "its transaction: \(end)") }
        guard passes(replica) else { return .died }
        switch end {
        case .committed: return .committed
        case .failed: return .failed
        case .unknown: return .unknown
        }
    }

    /// As `UnitOfWork.run`: a change of state commits with the messages it causes, which are published afterwards.
    func unitOfWork(_ replica: Int, outgoing: [OutgoingMessage], _ writes: () -> Void) -> Ran {
        let (service, owner) = (replicas[replica].service.rawValue, replicas[replica].owner)
        if Defect.publishBeforeCommit.isOn { for message in outgoing { push(.append(message), after: 0) } }
        var rows: [OutboxRow] = []
        let foreign = messages[service].foreignOrders(among: outgoing, owner: owner)
        let ran = commit(replica) {
            writes()
            rows = messages[service].insert(outgoing, owner: owner, at: now)
        }
        guard !outgoing.isEmpty else { return ran }
        switch ran {
        case .committed:
            replicas[replica].relay.add(rows, waitingFor: foreign)
            planSend(replica, after: 0)
            let relay = replicas[replica].relay
            planSweep(replica, after: !relay.heldOrders.isEmpty || relay.isBehind ? 0 : Self.sweepInterval)
        case .unknown:
            replicas[replica].relay.expect(
                Set(outgoing.map(\.envelope.orderID)),
                until: monotonicNow.advanced(by: .microseconds(Self.ownRowAge)))
            planSweeps(SimulatedService.allCases[service])
        case .died: planSweeps(SimulatedService.allCases[service])
        case .failed: break
        }
        return ran
    }
}
