import Clocks
import Glibc
import Invariants
import LocalStack

/// Looks at the stack once a second: breakers, outboxes, lag, processes.
package final class Sampler: Sendable {
    /// What one look showed.
    package struct Sample: Sendable {
        /// Nanoseconds since the drill began.
        var at: Int64
        /// 0 closed, 1 open, 2 half-open; by `service → breaker`.
        var breakers: [String: Int] = [:]
        /// The age in seconds of the oldest message that is not published, by service.
        var outboxAge: [String: Double] = [:]
        var outboxPending = 0.0
        var lag = 0.0
        var deadLetters = 0.0
        /// The processes that answered.
        var answered: Set<DrillTarget> = []
        var running: [DrillTarget: Int32] = [:]

        var openBreakers: [String] { breakers.filter { $0.value == 1 }.map(\.key).sorted() }
    }

    private struct State {
        var samples: [Sample] = []
        var restarts: [String: Int] = [:]
        var pids: [DrillTarget: Int32] = [:]
    }

    private let client: SuiteClient
    private let history: History
    private let time: any TimeSource
    private let state = Lock(State())

    init(client: SuiteClient, history: History, time: any TimeSource) {
        self.client = client
        self.history = history
        self.time = time
    }

    var samples: [Sample] { state.withLock { $0.samples } }
    var last: Sample? { state.withLock { $0.samples.last } }
    /// How often each process was started again, as far as one look a second can tell.
    var restarts: [String: Int] { state.withLock { $0.restarts } }

    /// Runs until the task is cancelled.
    func run() async {
        var next = time.now
        while !Task.isCancelled {
            let sample = await look()
            state.withLock { state in
                for (target, pid) in sample.running {
                    if let before = state.pids.updateValue(pid, forKey: target), before != pid {
                        state.restarts[target.description, default: 0] += 1
                    }
                }
                state.samples.append(sample)
            }
            next = max(next.advanced(by: .seconds(1)), time.now)
            guard (try? await time.sleep(until: next)) != nil else { return }
        }
    }

    func look() async -> Sample {
        var sample = Sample(at: history.now)
        guard let stack = try? client.view.read() else { return sample }
        let answers = await withTaskGroup(of: (DrillTarget, Answer).self) { group in
            for process in stack.processes {
                let target = DrillTarget(name: process.name, replica: process.replica)
                sample.running[target] = process.pid
                group.addTask { [client] in
                    let url = "http://127.0.0.1:\(process.admin)/metrics"
                    return (target, await client.send(.get, url, within: .milliseconds(800)))
                }
            }
            var answers: [(DrillTarget, Answer)] = []
            for await answer in group { answers.append(answer) }
            return answers
        }
        for (target, answer) in answers where answer.isOK {
            sample.answered.insert(target)
            sample.add(MetricsText(String(decoding: answer.body, as: UTF8.self)), of: target)
        }
        return sample
    }
}

extension Sampler.Sample {
    fileprivate mutating func add(_ metrics: MetricsText, of target: DrillTarget) {
        for breaker in metrics.find("circuit_breaker_state") {
            let name = "\(target.name) → \(breaker.labels["circuit_breaker"] ?? "?")"
            // Of several replicas the one in the worst state counts: open, then half-open, then closed.
            let ranks = [0: 0, 2: 1, 1: 2]
            let value = Int(breaker.value)
            if ranks[value, default: 0] >= ranks[breakers[name] ?? 0, default: 0] { breakers[name] = value }
        }
        if let age = metrics.find("outbox_oldest_seconds").map(\.value).max() {
            outboxAge[target.name] = max(outboxAge[target.name] ?? 0, age)
        }
        outboxPending += metrics.sum("outbox_pending") ?? 0
        lag += metrics.sum("consumer_lag") ?? 0
        deadLetters += metrics.sum("dead_letters") ?? 0
    }
}

/// What processes use.
enum ProcessUse {
    static func resources(of pid: Int32) -> Observation.Resources? {
        guard let memory = Files.text("/proc/\(pid)/statm") else { return nil }
        let fields = memory.split(separator: " ")
        guard fields.count > 1, let pages = Int64(fields[1]) else { return nil }
        return Observation.Resources(
            files: Files.list("/proc/\(pid)/fd").count, residentBytes: pages * Int64(sysconf(Int32(_SC_PAGESIZE))))
    }
}
