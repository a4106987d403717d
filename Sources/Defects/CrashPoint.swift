import Glibc
import Synchronization

/// A line between two durable steps where a drill can make the process die.
///
/// Named by `CRASH_AT`, which counts only with `FAULT_INJECTION=on`; `CRASH_AT=after-commit:100` lets the hundredth
/// passage be the one. The process kills itself as `kill -9` would: nothing is flushed, nobody is told.
package enum CrashPoint: String, CaseIterable, Sendable {
    /// All is decided and written; the transaction is not committed.
    case beforeCommit = "before-commit"
    /// Committed; its messages are not published.
    case afterCommit = "after-commit"
    /// Published; the outbox still has the rows.
    case afterPublish = "after-publish"
    /// The provider or the carrier was asked; its answer is not recorded.
    case afterProviderCall = "after-provider-call"
    /// A batch is committed; its offset is not.
    case beforeOffsetCommit = "before-offset-commit"
    /// The order is committed; its client has no answer.
    case beforeAnswer = "before-answer"

    private static let target: (point: CrashPoint, passage: Int)? = {
        guard let switched = getenv("FAULT_INJECTION"), String(cString: switched) == "on",
            let value = getenv("CRASH_AT")
        else { return nil }
        let parts = String(cString: value).split(separator: ":", maxSplits: 1)
        guard let point = parts.first.flatMap({ CrashPoint(rawValue: String($0)) }) else { return nil }
        return (point, parts.count > 1 ? Int(parts[1]) ?? 1 : 1)
    }()

    /// Says that the process is here; returns unless it is to die here.
    @inline(__always)
    package func pass() {
        guard let target = Self.target, target.point == self else { return }
        Self.count(upTo: target.passage)
    }

    private static func count(upTo passage: Int) {
        guard passages.wrappingAdd(1, ordering: .relaxed).newValue == passage else { return }
        kill(getpid(), SIGKILL)
    }

    private static let passages = Atomic<Int>(0)
}
