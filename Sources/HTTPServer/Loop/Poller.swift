import CLinux
import Glibc

/// An epoll set; keys are ours, the kernel hands them back.
struct Poller: ~Copyable {
    struct Ready {
        var key: UInt64
        var events: UInt32

        var isReadable: Bool { events & EPOLLIN.rawValue != 0 }
        var isWritable: Bool { events & EPOLLOUT.rawValue != 0 }
        /// The client ended its side, or the connection is gone altogether.
        var hasHungUp: Bool { events & (EPOLLRDHUP.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 }
        var isBroken: Bool { events & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 }
    }

    private static let batch = 256
    private let descriptor: Int32
    private let events: UnsafeMutablePointer<epoll_event>

    init() throws(HTTPServerError) {
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw .system(call: "epoll_create1", code: errno) }
        events = .allocate(capacity: Self.batch)
    }

    deinit {
        events.deallocate()
        Glibc.close(descriptor)
    }

    /// Watches a connection: once for all, told of each change (edge-triggered).
    func addConnection(_ socket: Int32, key: UInt64) -> Bool {
        let edge = EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue
        return control(EPOLL_CTL_ADD, socket, events: edge, key: key)
    }

    /// Watches for input for as long as there is some (level-triggered).
    func addInput(_ source: Int32, key: UInt64) -> Bool {
        control(EPOLL_CTL_ADD, source, events: EPOLLIN.rawValue, key: key)
    }

    func remove(_ source: Int32) {
        _ = control(EPOLL_CTL_DEL, source, events: 0, key: 0)
    }

    /// Waits at most `milliseconds` (-1: for ever) and calls `body` with each ready key.
    func wait(milliseconds: Int32) -> UnsafeBufferPointer<epoll_event> {
        let count = epoll_wait(descriptor, events, Int32(Self.batch), milliseconds)
        return UnsafeBufferPointer(start: events, count: max(0, Int(count)))
    }

    private func control(_ operation: Int32, _ source: Int32, events: UInt32, key: UInt64) -> Bool {
        var event = epoll_event(events: events, data: epoll_data_t(u64: key))
        return epoll_ctl(descriptor, operation, source, &event) == 0
    }
}
