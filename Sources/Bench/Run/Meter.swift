import Clocks
import LocalStack

/// Reads everything that is counted before and after something is done.
struct Meter: Sendable {
    let stack: BenchStack
    let countsStatements: Bool
    let time: any TimeSource

    struct Reading: Sendable {
        var at: MonotonicInstant
        var processes: StackProcesses
        var identities: [String: UInt64]
        var time: ProcessorTime
        var store: StoreCounters
        /// Messages of all topics so far; nil where nobody can count them.
        var messages: Int64?
    }

    /// The store is asked outside of the time that is measured: before everything else, and after.
    func begin(countsMessages: Bool = false) async throws(BenchError) -> Reading {
        let messages = countsMessages ? await stack.messageCount() : nil
        let store = try await stack.store.counters(countsStatements: countsStatements)
        var reading = try read(store)
        reading.messages = messages
        return reading
    }

    /// Fills in what was used since `begin`.
    ///
    /// - Throws: ``BenchError`` when a process was started again meanwhile: its use is lost.
    func end(_ before: Reading, into measurement: inout Measurement) async throws(BenchError) {
        let after = try read(before.store)
        guard after.identities == before.identities else {
            throw BenchError("a process of the stack has ended and was started again; see the logs in \(stack.folder)")
        }
        let store = try await stack.store.counters(countsStatements: countsStatements)
        measurement.seconds = before.at.duration(to: after.at).inSeconds
        measurement.time = after.time - before.time
        measurement.commits = Double(store.commits - before.store.commits)
        measurement.logBytes = Double(store.log - before.store.log)
        if let now = store.statements, let then = before.store.statements {
            measurement.statements = Double(now - then)
        }
        if let then = before.messages, let now = await stack.messageCount() {
            measurement.messages = Double(now - then)
        }
        measurement.resident = after.processes.services.compactMapValues(ProcessUse.residentBytes)
    }

    private func read(_ store: StoreCounters) throws(BenchError) -> Reading {
        let table = ProcessUse.all()
        let processes = try stack.processes(in: table)
        return Reading(
            at: time.now, processes: processes, identities: processes.identities(in: table),
            time: processes.time(in: table), store: store)
    }
}

extension Measurement {
    /// Turns totals into an order's share.
    mutating func divide() {
        let count = Double(max(1, orders))
        time = time / count
        commits /= count
        statements = statements.map { $0 / count }
        messages = messages.map { $0 / count }
        logBytes /= count
    }
}
