import CLinux
import Glibc

/// An epoll set; keys are ours, the kernel hands them back.
struct Poller: ~Copyable {
    private static let batch = 256
    private let descriptor: Int32
    private let events: UnsafeMutablePointer<epoll_event>

    init() throws(FaultProxyError) {
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw .system(call: "epoll_create1", link: nil, code: errno) }
        events = .allocate(capacity: Self.batch)
    }

    deinit {
        events.deallocate()
        Glibc.close(descriptor)
    }

    /// Watches a connection: once for all, told of each change (edge-triggered).
    func addConnection(_ socket: Int32, key: UInt64) -> Bool {
        add(socket, EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue, key: key)
    }

    /// Watches for input for as long as there is some (level-triggered).
    func addInput(_ source: Int32, key: UInt64) -> Bool { add(source, EPOLLIN.rawValue, key: key) }

    func remove(_ source: Int32) {
        var event = epoll_event()
        epoll_ctl(descriptor, EPOLL_CTL_DEL, source, &event)
    }

    /// Waits at most `milliseconds` (-1: for ever); what is returned holds until the next call.
    func wait(milliseconds: Int32) -> UnsafeBufferPointer<epoll_event> {
        let count = epoll_wait(descriptor, events, Int32(Self.batch), milliseconds)
        return UnsafeBufferPointer(start: events, count: max(0, Int(count)))
    }

    private func add(_ source: Int32, _ interest: UInt32, key: UInt64) -> Bool {
        var event = epoll_event(events: interest, data: epoll_data_t(u64: key))
        return epoll_ctl(descriptor, EPOLL_CTL_ADD, source, &event) == 0
    }
}
