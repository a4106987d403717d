import CLinux
import Clocks
import Glibc
import HTTPCodec
import Synchronization

/// One thread that serves all connections of one server.
///
/// Unchecked `Sendable`, and why that holds: the constants and the mailbox are safe to share; everything under
/// "confined" is touched by ``run(_:)`` and what it calls, on the one thread that runs it, and by
/// ``deliver(_:_:_:)``, which looks whether it is on that thread and otherwise goes through the mailbox.
final class EventLoop: @unchecked Sendable {
    enum Key {
        static let listener = UInt64.max
        static let mailbox = UInt64.max - 1
        static let drain = UInt64.max - 2
        static let acceptAgain = UInt64.max - 3
    }

    let configuration: HTTPServerConfiguration
    let time: any TimeSource
    let handler: HTTPHandler
    let observer: (@Sendable (HTTPServerEvent) -> Void)?
    let counters: ServerCounters
    let mailbox: Mailbox
    private let thread = Atomic<UInt>(0)

    // Confined to the loop thread.
    let poller: Poller
    var listener: Listener?
    var isAccepting = false
    var table = ConnectionTable()
    var deadlines = DeadlineQueue()
    /// Connections with bytes to read that gave way to others.
    var again: [UInt64] = []
    var now: MonotonicInstant
    var date: HTTPDate
    var drain: Drain?
    let readBuffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 64 * 1024)

    /// A drain under way: first until the deadline, then until cancelled handlers have had their moment.
    struct Drain {
        var deadline: MonotonicInstant
        var isCancelling = false
    }

    init(
        configuration: HTTPServerConfiguration, time: any TimeSource, handler: @escaping HTTPHandler,
        observer: (@Sendable (HTTPServerEvent) -> Void)?, counters: ServerCounters, mailbox: Mailbox
    ) throws(HTTPServerError) {
        self.configuration = configuration
        self.time = time
        self.handler = handler
        self.observer = observer
        self.counters = counters
        self.mailbox = mailbox
        poller = try Poller()
        now = time.now
        date = HTTPDate(time.wallNow)
    }

    deinit { readBuffer.deallocate() }

    var isOnLoopThread: Bool { thread.load(ordering: .relaxed) == UInt(pthread_self()) }

    /// Serves until a drain is complete. Called once, on the thread that becomes the loop's.
    func run(_ listener: Listener) {
        thread.store(UInt(pthread_self()), ordering: .relaxed)
        self.listener = listener
        _ = poller.addInput(mailbox.event, key: Key.mailbox)
        resumeAccepting()
        repeat {
            turn()
        } while drain == nil || table.count > 0
        mailbox.close()
        thread.store(0, ordering: .relaxed)
    }

    private func turn() {
        let ready = poller.wait(milliseconds: timeout())
        now = time.now
        date.update(to: time.wallNow)
        var signalled = false
        for event in ready {
            switch event.data.u64 {
            case Key.mailbox: signalled = true
            case Key.listener: acceptConnections()
            default: handle(Poller.Ready(key: event.data.u64, events: event.events))
            }
        }
        readOn()
        for message in mailbox.take(signalled: signalled) { handle(message) }
        while let due = deadlines.popDue(now) { handle(due: due) }
    }

    /// How long the kernel may keep us waiting.
    private func timeout() -> Int32 {
        guard again.isEmpty, !mailbox.holdsMessages else { return 0 }
        guard let next = deadlines.next else { return -1 }
        let nanoseconds = max(0, now.duration(to: next).wholeNanoseconds)
        // Rounded up: waking early would be waking twice.
        return Int32(clamping: nanoseconds / 1_000_000 + 1)
    }

    private func handle(_ ready: Poller.Ready) {
        guard let connection = table[ready.key] else { return }
        if ready.isBroken {
            close(connection, reset: false)
            return
        }
        if ready.hasHungUp { connection.hasHungUp = true }
        if ready.isWritable, connection.isBlocked {
            connection.isBlocked = false
            resume(connection)
        }
        if ready.isReadable || ready.hasHungUp { read(connection) }
    }

    private func handle(_ message: LoopMessage) {
        switch message {
        case .answer(let ticket, let response, let sink): answer(ticket, response, sink, inline: false)
        case .streamReady(let ticket): pump(ticket)
        case .drain(let deadline): beginDrain(deadline: deadline)
        }
    }

    private func handle(due: (at: MonotonicInstant, key: UInt64)) {
        switch due.key {
        case Key.drain: endDrain()
        case Key.acceptAgain: resumeAccepting()
        default:
            // An entry that is not the connection's own latest one is left over from an earlier deadline.
            guard let connection = table[due.key], connection.scheduled == due.at else { return }
            connection.scheduled = .distantFuture
            connection.machine.reachDeadline(now: now, date: date)
            resume(connection)
        }
    }

    private func readOn() {
        guard !again.isEmpty else { return }
        let waiting = again
        again = []
        for key in waiting {
            guard let connection = table[key] else { continue }
            connection.isQueued = false
            read(connection)
        }
    }
}
