import CLinux
import Clocks
import Glibc
import Synchronization

/// One thread that passes bytes along all links.
///
/// Unchecked `Sendable`, and why that holds: the constants, the event and the mailbox are safe to share; everything
/// under "confined" is touched by ``run()`` and what it calls, on the one thread that runs it. Others have work done
/// there through ``perform(_:)``.
final class ProxyLoop: @unchecked Sendable {
    private enum Key {
        static let mailbox = UInt64.max
        /// Links are below this, the ends of pairs from here on.
        static let firstPair: UInt64 = 1 << 20
    }

    private struct Mail {
        var work: [@Sendable (ProxyLoop) -> Void] = []
        var isStopped = false
    }

    private let time: any TimeSource
    private let event: Int32
    private let mailbox = Mutex(Mail())
    let names: TargetNames

    // Confined to the loop's thread.
    let poller: Poller
    var links: [Link] = []
    var pairs: [UInt64: Pair] = [:]
    /// Pairs with bytes on the way, and when the first of them arrive.
    var waiting: [UInt64: MonotonicInstant] = [:]
    /// Pairs that gave way to others in the middle of their work.
    var again: Set<UInt64> = []
    var now: MonotonicInstant
    /// A descriptor to give up when there is no other, so that a client can be turned away.
    var reserve = Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC)
    private var nextPair = Key.firstPair
    private var isRunning = true
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 16)

    /// Listens on the ports of all links.
    init(
        _ specifications: [LinkSpecification], host: String, seed: UInt64, time: any TimeSource
    ) throws(FaultProxyError) {
        self.time = time
        names = TargetNames(specifications)
        now = time.now
        poller = try Poller()
        event = eventfd(0, Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC))
        guard event >= 0 else { throw .system(call: "eventfd", link: nil, code: errno) }
        for specification in specifications {
            let (socket, port) = try Sockets.bound(specification, on: host)
            links.append(Link(specification, listener: socket, port: port, seed: seed))
            updateListening(links.count - 1)
        }
    }

    deinit {
        for link in links { Glibc.close(link.listener) }
        Glibc.close(reserve)
        Glibc.close(event)
        buffer.deallocate()
    }

    /// Passes bytes until ``stop()``. Called once, on the thread that becomes the loop's.
    func run() {
        _ = poller.addInput(event, key: Key.mailbox)
        while isRunning { turn() }
        for pair in Array(pairs.values) { close(pair, .reset) }
        for link in links where link.isListening { Sockets.stopListening(link.listener) }
    }

    /// Does work on the loop's thread and returns its result; nil when the loop has ended.
    func perform<Value: Sendable>(_ body: @escaping @Sendable (ProxyLoop) -> Value) async -> Value? {
        await withCheckedContinuation { continuation in
            let isTaken = mailbox.withLock { mail in
                guard !mail.isStopped else { return false }
                mail.work.append { continuation.resume(returning: body($0)) }
                return true
            }
            guard isTaken else { return continuation.resume(returning: nil) }
            wake()
        }
    }

    /// Ends the loop after what it does now.
    func stop() {
        mailbox.withLock { mail in
            mail.work.append { $0.isRunning = false }
            mail.isStopped = true
        }
        wake()
    }

    private func wake() {
        var one: UInt64 = 1
        write(event, &one, 8)
    }

    private func turn() {
        let ready = poller.wait(milliseconds: timeout())
        now = time.now
        for event in ready {
            switch event.data.u64 {
            case Key.mailbox: break
            case ..<Key.firstPair: accept(Int(event.data.u64))
            case let key: handle(events: event.events, key: key)
            }
        }
        for (key, instant) in waiting where instant <= now { again.insert(key) }
        let pumped = again
        again = []
        for key in pumped {
            waiting[key] = nil
            if let pair = pairs[key] { pump(pair) }
        }
        takeMail()
    }

    private func takeMail() {
        let work = mailbox.withLock { mail in
            defer { mail.work = [] }
            return mail.work
        }
        guard !work.isEmpty else { return }
        var count: UInt64 = 0
        _ = read(event, &count, 8)
        for body in work { body(self) }
    }

    /// How long the kernel may keep us waiting.
    private func timeout() -> Int32 {
        guard again.isEmpty else { return 0 }
        guard let next = waiting.values.min() else { return -1 }
        let nanoseconds = max(0, time.now.duration(to: next).wholeNanoseconds)
        // Rounded up: waking early would be waking twice.
        return Int32(clamping: (nanoseconds + 999_999) / 1_000_000)
    }

    /// The key of a new pair: its two ends have this one and the next.
    func takePairKey() -> UInt64 {
        defer { nextPair += 2 }
        return nextPair
    }
}
