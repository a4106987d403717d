import Clocks
import Glibc
import Invariants
import JSON
import LocalStack

/// Every request and every answer of a run, in order, on disk as they happen: clients keep what they were told outside of
/// the system that is being tested.
final class History: Sendable {
    private struct State {
        var nextIndex = 0
        var nextProcess: Int
        var freeProcesses: [Int] = []
        var operations: [Operation] = []
        var pending = 0
    }

    let start: MonotonicInstant
    private let time: any TimeSource
    private let state = Lock(State(nextProcess: 0))
    private let file: Int32
    private let path: String

    /// An invoked request, to be completed exactly once.
    struct Ticket: Sendable {
        fileprivate var operation: Operation
        var index: Int { operation.index }
    }

    /// - Throws: when the file cannot be made.
    init(path: String, start: MonotonicInstant, time: any TimeSource) throws(DrillError) {
        self.start = start
        self.time = time
        self.path = path
        file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw DrillError("the history cannot be written to \(path)") }
    }

    deinit { close(file) }

    var operations: [Operation] { state.withLock { $0.operations } }
    var pendingCount: Int { state.withLock { $0.pending } }

    /// Nanoseconds since the drill began.
    var now: Int64 { start.duration(to: time.now).wholeNanoseconds }

    /// Notes a request that is about to be sent.
    ///
    /// - Parameter dueAt: When it should have been sent; latency counts from then, so that a client that was held up does
    ///   not make the suite look faster than it is.
    func invoke(
        _ kind: Operation.Kind, key: String? = nil, customerID: String? = nil, intent: Operation.Intent? = nil,
        orderID: String? = nil, traceID: String = "", dueAt: Int64? = nil
    ) -> Ticket {
        let at = now
        let operation = state.withLock { state in
            defer { state.nextIndex += 1 }
            state.pending += 1
            let process: Int
            if let free = state.freeProcesses.popLast() {
                process = free
            } else {
                process = state.nextProcess
                state.nextProcess += 1
            }
            return Operation(
                index: state.nextIndex, process: process, kind: kind, outcome: .info, invokedAt: min(at, dueAt ?? at),
                completedAt: at, idempotencyKey: key, customerID: customerID, intent: intent, orderID: orderID,
                traceID: traceID)
        }
        write(operation, type: "invoke", at: at)
        return Ticket(operation: operation)
    }

    /// Notes what came of it. A process whose request ended in doubt is not used again.
    @discardableResult
    func complete(_ ticket: Ticket, _ answer: Answer) -> Operation {
        var operation = ticket.operation
        operation.completedAt = now
        operation.outcome = answer.outcome
        operation.status = answer.status
        operation.detail = answer.detail
        if answer.isOK {
            let root = answer.root
            operation.orderID = root?["id"]?.string ?? operation.orderID
            operation.orderStatus = root?["status"]?.string
            if operation.isPlacing, answer.status == 202 {
                operation.answer = String(decoding: answer.body, as: UTF8.self)
            }
        }
        let completed = operation
        state.withLock { state in
            state.pending -= 1
            state.operations.append(completed)
            if completed.outcome != .info { state.freeProcesses.append(completed.process) }
        }
        write(completed, type: completed.outcome.rawValue, at: completed.completedAt)
        return completed
    }

    private func write(_ operation: Operation, type: String, at: Int64) {
        var json = JSONWriter()
        json.object {
            $0.member("index", operation.index)
            $0.member("t", at)
            $0.member("process", operation.process)
            $0.member("f", operation.kind.rawValue)
            $0.member("type", type)
            $0.member("key", operation.customerID)
            $0.object("value") {
                $0.member("intent", operation.intent?.rawValue)
                $0.member("orderId", operation.orderID)
                $0.member("status", operation.status)
                $0.member("orderStatus", operation.orderStatus)
                $0.member("detail", operation.detail)
            }
            $0.member("idempotencyKey", operation.idempotencyKey)
            $0.member("traceId", operation.traceID.isEmpty ? nil : operation.traceID)
        }
        let line = json.bytes + [UInt8(ascii: "\n")]
        // One write of a whole line: lines of different tasks do not mix.
        _ = line.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
    }
}
