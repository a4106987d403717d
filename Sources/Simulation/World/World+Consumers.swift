import Clocks
import Contracts
import Defects
import Messaging

/// Groups of consumers, as `MessageConsumer` and the broker make them.
extension World {
    func join(_ replica: Int) {
        let service = replicas[replica].service
        guard replicas[replica].isUp else { return }
        if !broker.groups[service.rawValue].members.contains(replica) {
            broker.groups[service.rawValue].members.append(replica)
            broker.groups[service.rawValue].members.sort()
        } else if replicas[replica].generation == broker.groups[service.rawValue].generation {
            return
        }
        rebalance(service)
    }

    func expel(_ replica: Int, _ incarnation: Int) {
        let process = replicas[replica]
        guard process.incarnation == incarnation, !process.isUp || process.pausedUntil > now else { return }
        let service = process.service
        guard broker.groups[service.rawValue].members.contains(replica) else { return }
        broker.groups[service.rawValue].members.removeAll { $0 == replica }
        rebalance(service)
    }

    /// Assigns the partitions anew; a member that sleeps hears of it when it wakes, and reads on until then.
    func rebalance(_ service: SimulatedService) {
        broker.groups[service.rawValue].generation += 1
        let group = broker.groups[service.rawValue]
        guard !group.members.isEmpty else { return }
        note("broker", "assigns \(service.label)'s partitions to \(group.members.map(Replica.name))")
        for (index, replica) in group.members.enumerated() {
            guard replicas[replica].isUp, replicas[replica].pausedUntil <= now else { continue }
            let places = broker.places(readBy: service).filter { $0 % group.members.count == index }
            replicas[replica].positions = places.map { ($0, broker.committed[$0]) }
            replicas[replica].generation = group.generation
            planPoll(replica)
        }
    }

    func brokerIsBack(forgets: Bool) {
        note("broker", forgets ? "is back and has forgotten everything" : "is back")
        if forgets {
            checkDropped()
            broker.forget()
        }
        for service in SimulatedService.allCases { rebalance(service) }
    }

    // MARK: Reading

    func planPoll(_ replica: Int) {
        guard !replicas[replica].isPolling, replicas[replica].work == nil else { return }
        replicas[replica].isPolling = true
        push(.poll, of: replica, after: networkDelay(replica))
    }

    func poll(_ replica: Int) {
        replicas[replica].isPolling = false
        guard replicas[replica].work == nil, !faults.isBrokerAway(now), let work = nextWork(replica) else { return }
        replicas[replica].work = work
        if Defect.offsetBeforeCommit.isOn { commit(work.offsets, of: replica, work.generation) }
        push(.handle, of: replica, after: databaseDelay(replica))
    }

    /// What has arrived for one topic, in its order by partition; topics take turns.
    private func nextWork(_ replica: Int) -> Replica.Work? {
        for turn in 1...Broker.topics.count {
            let topic = (replicas[replica].turn + turn) % Broker.topics.count
            var batch: [Record] = []
            var offsets: [(place: Broker.Place, next: Int)] = []
            for index in replicas[replica].positions.indices {
                let (place, next) = replicas[replica].positions[index]
                guard broker.topicIndex(of: place) == topic, batch.count < plan.batchLimit else { continue }
                let records = broker.logs[place].dropFirst(next).prefix(plan.batchLimit - batch.count)
                guard !records.isEmpty else { continue }
                batch += records
                replicas[replica].positions[index].next = next + records.count
                offsets.append((place, next + records.count))
            }
            guard !batch.isEmpty else { continue }
            replicas[replica].turn = topic
            return Replica.Work(
                topic: topic, generation: replicas[replica].generation, chunks: [batch],
                expired: expired(in: batch, topic: topic, replica), offsets: offsets)
        }
        return nil
    }

    /// As `MessageProcessor.expired`, with the real guard.
    func expired(in batch: [Record], topic: Int, _ replica: Int) -> Set<UUID> {
        var expired: Set<UUID> = []
        guard Broker.topics[topic].reader != .order else { return expired }
        let now = MonotonicInstant(nanoseconds: now * 1000)
        for envelope in batch.map(\.envelope) {
            replicas[replica].expiry.observe(envelope.sender, said: envelope.time, now: now)
        }
        for envelope in batch.map(\.envelope) where MessageType.commandName(of: envelope.type) != nil {
            let verdict = replicas[replica].expiry.judge(
                envelope.sender, said: envelope.time, deadline: envelope.deadline, now: now)
            if verdict == .refuse {
                saw(.expiredCommand)
                expired.insert(envelope.id)
            }
        }
        return expired
    }

    // MARK: Handling

    /// As `MessageProcessor.process`: a batch that fails is divided until the message to blame is alone, which is parked.
    func handleChunk(_ replica: Int) {
        guard let work = replicas[replica].work else { return }
        guard let chunk = work.chunks.first else {
            return push(.commitOffsets, of: replica, after: databaseDelay(replica))
        }
        let service = replicas[replica].service
        let isBad = chunk.contains { isPoisonous($0, for: service) }
        if isBad, chunk.count > 1 {
            let middle = chunk.count / 2
            replicas[replica].work?.chunks.replaceSubrange(
                0..<1, with: [Array(chunk[..<middle]), Array(chunk[middle...])])
            return push(.handle, of: replica, after: databaseDelay(replica))
        }
        let failed = isBad ? Set(chunk.map(\.envelope.id)) : []
        switch transact(Batch(chunk, topic: work.topic, expired: work.expired, failed: failed), replica).ran {
        case .committed: nextChunk(replica)
        case .failed, .unknown:
            push(.handle, of: replica, after: withRandom(of: replica) { $0.within(50_000...2_000_000) })
        case .died: break
        }
    }

    func isPoisonous(_ record: Record, for service: SimulatedService) -> Bool {
        now < Plan.healed && faults.isPoisonous(record.envelope.id.low, for: service, now)
    }

    private func nextChunk(_ replica: Int) {
        replicas[replica].work?.chunks.removeFirst()
        push(.handle, of: replica, after: databaseDelay(replica))
    }

    func commitOffsets(_ replica: Int) {
        guard passes(replica), let work = replicas[replica].work else { return }
        commit(work.offsets, of: replica, work.generation)
        replicas[replica].work = nil
        planPoll(replica)
    }

    private func commit(_ offsets: [(place: Broker.Place, next: Int)], of replica: Int, _ generation: Int) {
        guard !faults.isBrokerAway(now),
            broker.groups[replicas[replica].service.rawValue].generation == generation
        else { return saw(.offsetRefused) }
        for (place, next) in offsets where next <= broker.logs[place].count {
            broker.committed[place] = max(broker.committed[place], next)
        }
    }
}
