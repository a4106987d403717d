import Clocks
import Messaging
import Synchronization
import Telemetry

/// Does due work as soon as it is due, several items at a time, on as many replicas as there are.
package final class DueWorker<Work: DueWork>: Sendable {
    private let work: Work
    private let concurrency: Int
    private let idleInterval: Duration
    private let time: any TimeSource
    private let log: Logger
    private let running = Mutex(0)
    private let isStopping = Mutex(false)
    private let wakeUp = Signal()

    /// - Parameters:
    ///   - concurrency: how many items may be worked on at a time.
    ///   - idleInterval: how often the table is looked at when nothing says that something is due.
    package init(
        _ work: Work, concurrency: Int = 256, idleInterval: Duration = .seconds(5), time: any TimeSource, log: Logger
    ) {
        precondition(concurrency > 0, "a worker does at least one thing at a time")
        self.work = work
        self.concurrency = concurrency
        self.idleInterval = idleInterval
        self.time = time
        self.log = log
    }

    /// Something may be due earlier than was known; returns at once.
    package func notify() {
        wakeUp.notify()
    }

    /// Claims nothing more; ``run()`` returns once what is under way has ended.
    package func stop() {
        isStopping.withLock { $0 = true }
        wakeUp.notify()
    }

    /// Works until stopped or cancelled. When it is cancelled work under way is given up: it is due again when its claim
    /// ends.
    package func run() async {
        await withDiscardingTaskGroup { group in
            var wait = Duration.zero
            while await wakeUp.wait(until: time.now.advanced(by: wait), time: time) {
                if isStopping.withLock({ $0 }) { return }
                do {
                    wait = try await begin(in: &group)
                } catch {
                    log.warning("due work could not be claimed, will be tried again", ["error": .error(error)])
                    wait = .seconds(1)
                }
            }
            group.cancelAll()
        }
    }

    /// The worker as a part of a service: asked to stop, it lets what is under way end within `patience`, so that nobody
    /// has to wait for the end of a claim.
    package func part(_ name: String, patience: Duration) -> any Service {
        ClosureService(name) { life in
            life.ready()
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.run() }
                group.addTask {
                    await life.stopRequested()
                    self.stop()
                    try? await self.time.sleep(for: patience)
                }
                await group.next()
                group.cancelAll()
            }
        }
    }

    /// Begins what is due and there is room for; answers when to look again.
    private func begin(in group: inout DiscardingTaskGroup) async throws -> Duration {
        var room = concurrency - running.withLock { $0 }
        switch work.admission {
        case .open: break
        case .probing(let probes): room = min(room, probes - running.withLock { $0 })
        case .refusing(let end): return min(max(time.now.duration(to: end), .milliseconds(1)), idleInterval)
        }
        // Whoever ends makes room, and says so.
        guard room > 0 else { return idleInterval }
        for item in try await work.claim(limit: room) {
            running.withLock { $0 += 1 }
            group.addTask {
                await self.work.work(on: item)
                self.running.withLock { $0 -= 1 }
                self.wakeUp.notify()
            }
        }
        guard let next = try await work.untilNextDue() else { return idleInterval }
        return min(max(next, .milliseconds(1)), idleInterval)
    }
}
