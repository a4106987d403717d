import Clocks

/// The broker without its sockets: requests and `now` go in, answers come out, at once or when what they wait for has
/// come.
///
/// Pure. One request at a time is under way per connection, so that answers keep the order of their requests, as
/// clients rely on; ``isBusy(_:)`` says when the next one may be given.
struct BrokerCore {
    enum Action: Equatable {
        case send(ConnectionKey, [UInt8])
        /// The client did what cannot be answered.
        case close(ConnectionKey, reason: String)
    }

    /// What a connection waits for.
    private enum Wait {
        case records
        case group
    }

    let node: BrokerNode
    var topics: TopicTable
    var groups: GroupCoordinator
    var fetches = WaitingFetches()
    private var nextProducer: Int64
    private var waits: [ConnectionKey: Wait] = [:]
    private var actions: [Action] = []

    /// - Parameter seed: begins the numbers of producers and the names of members. One of its own for each run of a
    ///   broker: what a client got from an earlier one must not be taken for that of another client.
    init(node: BrokerNode, topics: [TopicSpecification], limits: BrokerLimits = BrokerLimits(), seed: UInt32) {
        self.node = node
        self.topics = TopicTable(limits: limits)
        for topic in topics { _ = self.topics.create(topic.name, partitions: topic.partitions) }
        groups = GroupCoordinator(timing: limits.groups, run: String(seed, radix: 36))
        nextProducer = Int64(seed) << 24
    }

    mutating func takeActions() -> [Action] {
        defer { actions.removeAll(keepingCapacity: true) }
        return actions
    }

    // MARK: Connections

    /// Whether the connection's last request is not answered yet.
    func isBusy(_ connection: ConnectionKey) -> Bool { waits[connection] != nil }

    /// Takes a request, without its length. The connection must not be busy.
    mutating func receive(_ frame: [UInt8], from connection: ConnectionKey, now: MonotonicInstant) {
        do throws(MalformedRequest) {
            var reader = ByteReader(frame)
            let header = try RequestHeader(from: &reader)
            try dispatch(header, &reader, from: connection, now: now)
        } catch {
            actions.append(.close(connection, reason: error.description))
        }
    }

    /// The client has sent another request behind one that waits for records: what there is has to do, so that nothing
    /// stands behind a wait.
    mutating func hurry(_ connection: ConnectionKey) {
        guard case .records = waits[connection], let fetch = fetches.take(connection, &topics) else { return }
        answer(fetch)
    }

    /// The client is gone; what it waited for is dropped. Its membership ends with its session.
    mutating func disconnected(_ connection: ConnectionKey) {
        waits[connection] = nil
        fetches.forget(connection, &topics)
    }

    // MARK: Time

    /// When ``settle(now:)`` has something to do.
    mutating func deadline() -> MonotonicInstant? {
        [fetches.deadline(), groups.deadline].compactMap(\.self).min()
    }

    /// Ends a round of requests: answers the fetches for which there are records now, and does what is due.
    mutating func settle(now: MonotonicInstant) {
        for connection in fetches.takeWoken() {
            guard let fetch = fetches[connection], isSatisfied(fetch) else { continue }
            hurry(connection)
        }
        while let connection = fetches.popDue(now) { hurry(connection) }
        if let due = groups.deadline, due <= now { deliver(groups.tick(now: now)) }
    }

    // MARK: For the handlers

    mutating func reply(_ address: ReplyAddress, _ body: some WireWritable, capacity: Int = 128) {
        actions.append(.send(address.connection, address.frame(capacity: capacity, body)))
    }

    mutating func close(_ connection: ConnectionKey, reason: String) {
        actions.append(.close(connection, reason: reason))
    }

    mutating func wait(_ fetch: WaitingFetch, now: MonotonicInstant) {
        waits[fetch.address.connection] = .records
        fetches.add(fetch, now: now, &topics)
    }

    /// Answers a fetch with what there is.
    mutating func answer(_ fetch: WaitingFetch) {
        waits[fetch.address.connection] = nil
        let (response, size) = read(fetch)
        reply(fetch.address, response, capacity: size)
    }

    /// A member waits for the others.
    mutating func waitForGroup(_ connection: ConnectionKey) { waits[connection] = .group }

    mutating func deliver(_ answers: [Group.Answer]) {
        for answer in answers {
            switch answer {
            case .join(let address, let response): deliver(response, to: address)
            case .sync(let address, let response): deliver(response, to: address)
            }
        }
    }

    /// A connection that is gone waits for nothing any more.
    private mutating func deliver(_ response: some WireWritable, to address: ReplyAddress) {
        guard case .group = waits[address.connection] else { return }
        waits[address.connection] = nil
        reply(address, response)
    }

    mutating func newProducer() -> Int64 {
        defer { nextProducer += 1 }
        return nextProducer
    }
}

/// The bounds of a broker.
struct BrokerLimits: Hashable, Sendable {
    /// Bytes kept of each partition.
    var retention = 16 * 1024 * 1024
    /// Partitions of a topic that is made on first use.
    var defaultPartitions: Int32 = 4
    var maximumPartitions = 10_000
    /// The largest answer to a fetch; one batch is sent however large it is.
    var maximumFetch = 8 * 1024 * 1024
    /// The longest wait of a fetch, whatever it asks for.
    var longestFetchWait = Duration.seconds(30)
    /// The longest wait of a fetch while a connection's partitions are new.
    var freshFetchWait = Duration.milliseconds(20)
    /// For how long they are new.
    var freshTime = Duration.milliseconds(250)
    var groups = GroupTiming()
}
