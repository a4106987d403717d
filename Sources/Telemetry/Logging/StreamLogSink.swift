import Clocks
import Glibc
import Synchronization

/// Writes records to a file descriptor on a thread of its own, one `write(2)` a line.
///
/// The caller only appends to a bounded queue: an output that stalls cannot stall the service. What does not fit is
/// dropped and counted, and a line says so once the output moves again. A line longer than the pipe's atomic size
/// (4096 bytes) is written in pieces.
package final class StreamLogSink: LogSink {
    private struct State {
        var queue: [LogRecord] = []
        var dropped: UInt64 = 0
        var unreported: UInt64 = 0
        var isWriterIdle = false
        /// Set by ``close(within:)``: when the writer gives up on what is queued.
        var closingAt: MonotonicInstant?
        var isFinished = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let descriptor: Int32
    private let format: LogFormat
    private let capacity: Int
    private let time: any TimeSource
    private let state = Mutex(State())
    private let wake = ThreadSignal()

    /// Starts the writing thread; at most `capacity` records wait for it.
    ///
    /// The descriptor stays the caller's to close, after ``close(within:)``. Without a format the descriptor decides.
    package init(
        descriptor: Int32 = STDOUT_FILENO, format: LogFormat? = nil, capacity: Int = 8192,
        time: any TimeSource = SystemTime()
    ) {
        self.descriptor = descriptor
        self.format = format ?? .automatic(for: descriptor)
        self.capacity = capacity
        self.time = time
        WorkerThread.start(name: "log") { [self] in writeLines() }
    }

    /// How many records were dropped because the queue was full or the output failed.
    package var droppedCount: UInt64 { state.withLock { $0.dropped } }

    package func log(_ record: LogRecord) {
        let mustWake = state.withLock { state in
            guard state.queue.count < capacity, !state.isFinished else {
                state.dropped += 1
                state.unreported += 1
                return false
            }
            state.queue.append(record)
            defer { state.isWriterIdle = false }
            return state.isWriterIdle
        }
        if mustWake { wake.send() }
    }

    /// Writes what is queued, for at most `limit`, and ends the thread; later records are dropped.
    package func close(within limit: Duration) async {
        await withCheckedContinuation { continuation in
            let isFinished = state.withLock { state in
                if state.isFinished { return true }
                if state.closingAt == nil { state.closingAt = time.now.advanced(by: limit) }
                state.waiters.append(continuation)
                return false
            }
            if isFinished { continuation.resume() } else { wake.send() }
        }
    }
}

extension StreamLogSink {
    private enum Work {
        case write([LogRecord], dropped: UInt64)
        case wait
        case stop([CheckedContinuation<Void, Never>])
    }

    private func nextWork() -> Work {
        state.withLock { state in
            if !state.queue.isEmpty || state.unreported > 0 {
                let dropped = state.unreported
                state.unreported = 0
                var records: [LogRecord] = []
                swap(&records, &state.queue)
                return .write(records, dropped: dropped)
            }
            guard state.closingAt == nil else {
                state.isFinished = true
                defer { state.waiters = [] }
                return .stop(state.waiters)
            }
            state.isWriterIdle = true
            return .wait
        }
    }

    private func writeLines() {
        var line: [UInt8] = []
        while true {
            switch nextWork() {
            case .wait:
                wake.wait()
            case .stop(let waiters):
                for waiter in waiters { waiter.resume() }
                return
            case .write(let records, let dropped):
                for record in records { write(record, buffer: &line) }
                if dropped > 0, let last = records.last {
                    let notice = LogRecord(
                        timestamp: time.wallNow, level: .warning, service: last.service,
                        message: "log lines were dropped because the output was too slow",
                        metadata: ["dropped": .integer(Int64(clamping: dropped))])
                    write(notice, buffer: &line)
                }
            }
        }
    }

    private func write(_ record: LogRecord, buffer: inout [UInt8]) {
        buffer.removeAll(keepingCapacity: true)
        switch format {
        case .json: record.appendJSON(to: &buffer)
        case .text(let colour): record.appendText(to: &buffer, colour: colour)
        }
        guard !writeAll(buffer) else { return }
        state.withLock { $0.dropped += 1 }
    }

    private func writeAll(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                guard waitUntilWritable() else { return false }
                let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(Int(PIPE_BUF)))
                let written = Glibc.write(descriptor, piece.baseAddress, piece.count)
                if written > 0 {
                    rest = rest.dropFirst(written)
                } else if errno != EINTR, errno != EAGAIN {
                    return false
                }
            }
            return true
        }
    }

    /// Returns false once the sink is closing and its time is up; looks for that ten times a second.
    private func waitUntilWritable() -> Bool {
        while true {
            let remaining = state.withLock { $0.closingAt }.map { time.now.duration(to: $0).wholeMilliseconds }
            var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            if poll(&entry, 1, Int32(max(0, min(100, remaining ?? 100)))) > 0 { return true }
            if let remaining, remaining <= 0 { return false }
        }
    }
}
