import Glibc
import LocalStack

/// A process that cannot be mistaken for a later one with the same id: the id and when it began.
package struct ProcessIdentity: Sendable, Hashable {
    package var pid: Int32
    /// In the kernel's ticks since boot.
    package var start: UInt64

    /// The process that has this id now; nil when there is none.
    package init?(pid: Int32) {
        guard pid > 0, let start = ProcessTable.status(of: pid)?.start else { return nil }
        self.pid = pid
        self.start = start
    }

    /// Whether it still lives; a zombie does not.
    package var isAlive: Bool {
        guard let status = ProcessTable.status(of: pid) else { return false }
        return status.start == start && status.state != "Z"
    }

    /// Whether it is stopped by a signal.
    package var isStopped: Bool {
        ProcessTable.status(of: pid).map { $0.start == start && $0.state == "T" } ?? false
    }

    /// Sends a signal to the process alone.
    ///
    /// - Returns: whether it was there to be sent one.
    @discardableResult
    package func send(_ signal: ChildSignal) -> Bool { isAlive && kill(pid, signal.number) == 0 }

    /// `pid:start`, for ``DrillContext/remember(_:_:)``.
    package var written: String { "\(pid):\(start)" }

    package init?(written: String) {
        let parts = written.split(separator: ":")
        guard parts.count == 2, let pid = Int32(parts[0]), let start = UInt64(parts[1]) else { return nil }
        self.pid = pid
        self.start = start
    }
}

/// What `/proc` says about processes.
package enum ProcessTable {
    package struct Status: Sendable, Hashable {
        package var name: String
        package var state: Character
        package var parent: Int32
        package var start: UInt64
    }

    /// nil when there is no such process.
    package static func status(of pid: Int32) -> Status? { Files.text("/proc/\(pid)/stat").flatMap(parse) }

    /// The name stands in parentheses and may hold blanks and parentheses itself.
    static func parse(_ text: String) -> Status? {
        guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: close)...].split(separator: " ")
        guard fields.count > 19, let state = fields[0].first, let parent = Int32(fields[1]),
            let start = UInt64(fields[19])
        else { return nil }
        return Status(name: String(text[text.index(after: open)..<close]), state: state, parent: parent, start: start)
    }

    /// The direct children of a process, in order of their ids.
    package static func children(of parent: Int32) -> [(pid: Int32, status: Status)] {
        Files.list("/proc").compactMap { Int32($0) }.sorted()
            .compactMap { pid in status(of: pid).map { (pid, $0) } }
            .filter { $0.1.parent == parent }
    }
}
