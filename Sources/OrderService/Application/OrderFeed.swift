import Clocks
import Contracts
import Messaging
import Postgres
import Synchronization
import Telemetry

/// The latest entries of the feed in memory, for all who follow it at this replica.
///
/// One reader asks the database for what is new, only while somebody follows, and everybody is served from what it has read. Who
/// is further behind than the memory reaches reads the table. Nothing is pushed: a follower asks for what is behind its
/// place, so a slow one holds nothing up and costs nothing.
final class OrderFeed: Sendable {
    /// What is behind a follower's place.
    enum News: Sendable, Equatable {
        case entries([FeedEntry])
        /// The place is too far behind for the memory.
        case behind
        /// Nothing came until the deadline.
        case nothing
        /// The service is stopping; the client resumes elsewhere.
        case over
    }

    /// The pure part: a window on the end of the feed.
    struct Window: Sendable {
        let capacity: Int
        /// Everything behind this number, and not behind `last`, is in `entries`.
        private(set) var start: Int64 = 0
        private(set) var last: Int64 = 0
        private(set) var entries: [FeedEntry] = []

        init(capacity: Int) {
            self.capacity = capacity
        }

        /// Begins anew behind this number.
        mutating func begin(at number: Int64) {
            (start, last, entries) = (number, number, [])
        }

        /// Takes what was read behind `last`.
        mutating func append(_ news: [FeedEntry]) {
            guard let newest = news.last?.number, newest > last else { return }
            entries += news.filter { $0.number > last }
            last = newest
            guard entries.count > 2 * capacity else { return }
            entries.removeFirst(entries.count - capacity)
            start = entries[0].number - 1
        }

        /// The entries behind this number; nil when the window begins later.
        func entries(after number: Int64, limit: Int) -> [FeedEntry]? {
            guard number >= start else { return nil }
            guard number < last else { return [] }
            var (low, high) = (0, entries.count)
            while low < high {
                let middle = (low + high) / 2
                if entries[middle].number <= number { low = middle + 1 } else { high = middle }
            }
            return Array(entries[low...].prefix(limit))
        }
    }

    private struct State {
        var window: Window
        var followers = 0
        /// The window has been begun and is being kept up.
        var isReading = false
        var isOver = false
        var nextWaiter: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]

        mutating func takeWaiters() -> [CheckedContinuation<Void, Never>] {
            defer { waiters = [:] }
            return Array(waiters.values)
        }
    }

    /// How many can follow at one replica.
    static let maximumFollowers = 1000
    /// How many entries are handed out at a time.
    static let batch = 500

    private let postgres: PostgresClient
    private let time: any TimeSource
    private let log: Logger
    private let pollInterval: Duration
    private let state: Mutex<State>
    private let wakeUp = Signal()

    /// - Parameter pollInterval: how long what another replica has shown may stay unseen here.
    init(
        postgres: PostgresClient, time: any TimeSource, log: Logger, capacity: Int = 4096,
        pollInterval: Duration = .milliseconds(200)
    ) {
        self.postgres = postgres
        self.time = time
        self.log = log
        self.pollInterval = pollInterval
        state = Mutex(State(window: Window(capacity: capacity)))

    }

    // MARK: Following

    /// How many follow now.
    var followers: Int { state.withLock(\.followers) }

    /// Takes a follower's place; false when there are too many or the service is stopping.
    func enter() -> Bool {
        let isIn = state.withLock { state in
            guard state.followers < Self.maximumFollowers, !state.isOver else { return false }
            state.followers += 1
            return true
        }
        if isIn { wakeUp.notify() }
        return isIn
    }

    /// Gives a follower's place back.
    func leave() {
        state.withLock { $0.followers -= 1 }
    }

    /// What is behind `number`, as soon as there is something, or what `deadline` or the end of the service leave of it.
    func news(after number: Int64, until deadline: MonotonicInstant) async -> News {
        while true {
            if Task.isCancelled { return .over }
            switch look(after: number) {
            case .nothing where time.now < deadline: await suspend(after: number, until: deadline)
            case let news: return news
            }
        }
    }

    /// All who follow are told that it is over.
    func end() {
        let waiters = state.withLock { state in
            state.isOver = true
            return state.takeWaiters()
        }
        for waiter in waiters { waiter.resume() }
    }

    private func look(after number: Int64) -> News {
        state.withLock { Self.look(after: number, in: $0) }
    }

    private static func look(after number: Int64, in state: State) -> News {
        if state.isOver { return .over }
        guard state.isReading else { return .nothing }
        guard let entries = state.window.entries(after: number, limit: batch) else { return .behind }
        return entries.isEmpty ? .nothing : .entries(entries)
    }

    private func suspend(after number: Int64, until deadline: MonotonicInstant) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.wait(after: number) }
            group.addTask { try? await self.time.sleep(until: deadline) }
            await group.next()
            group.cancelAll()
        }
    }

    private func wait(after number: Int64) async {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    guard !Task.isCancelled, Self.look(after: number, in: state) == .nothing else { return true }
                    state.waiters[id] = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
    }

    // MARK: Reading

    /// The projector of this process has shown something; returns at once.
    func notify() {
        if followers > 0 { wakeUp.notify() }
    }

    /// Reads what is new, while somebody follows, until cancelled.
    func run() async {
        while !Task.isCancelled {
            guard followers > 0 else {
                state.withLock { $0.isReading = false }
                guard await wakeUp.wait() else { return }
                continue
            }
            do {
                if try await readOn() == Self.batch { continue }
            } catch {
                log.debug("the feed of orders could not be read", ["error": .error(error)])
            }
            _ = await wakeUp.wait(until: time.now.advanced(by: pollInterval), time: time)
        }
    }

    /// Reads one batch; returns how many entries that were.
    private func readOn() async throws -> Int {
        let deadline = time.now.advanced(by: .seconds(2))
        guard state.withLock(\.isReading) else {
            let bounds = try await postgres.query(OrderViewStatements.bounds, deadline: deadline)
            let last = try bounds[0].int8(0)
            let waiters = state.withLock { state in
                state.window.begin(at: last)
                state.isReading = true
                return state.takeWaiters()
            }
            for waiter in waiters { waiter.resume() }
            return 0
        }
        let last = state.withLock(\.window.last)
        let entries = try await postgres.query(
            OrderViewStatements.entries(after: last, limit: Self.batch), deadline: deadline
        ).map { try OrderViewStatements.entry($0) }
        guard !entries.isEmpty else { return 0 }
        let waiters = state.withLock { state in
            state.window.append(entries)
            return state.takeWaiters()
        }
        for waiter in waiters { waiter.resume() }
        return entries.count
    }
}
