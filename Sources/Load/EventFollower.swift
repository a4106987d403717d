import CLinux
import Glibc
import Synchronization

/// Follows `GET /v1/events` on a thread of its own: connects, reads, and after a break resumes where it was.
final class EventFollower: Sendable {
    private let urls: [String]
    private let token: String?
    private let isStopped = Atomic(false)
    private let isConnected = Atomic(false)
    private let hear: @Sendable ([EventReader.Event]) -> Void

    /// - Parameter hear: called on the follower's thread.
    init(urls: [String], token: String?, hear: @escaping @Sendable ([EventReader.Event]) -> Void) {
        self.urls = urls
        self.token = token
        self.hear = hear
    }

    /// Whether it has a stream.
    var isFollowing: Bool { isConnected.load(ordering: .acquiring) }

    func stop() { isStopped.store(true, ordering: .releasing) }

    /// Reads until stopped; returns when the thread has ended.
    func run() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                LoadThread.start { [self] in
                    follow()
                    continuation.resume()
                }
            }
        } onCancel: {
            stop()
        }
    }

    private func follow() {
        var place: Int64?
        var turn = 0
        while !isStopped.load(ordering: .acquiring) {
            let (host, port) = Self.authority(urls[turn % urls.count])
            turn += 1
            if let socket = Self.connect(host, port) {
                read(socket, host: "\(host):\(port)", from: &place)
                isConnected.store(false, ordering: .releasing)
                Glibc.close(socket)
            }
            // The thread is its own; only a stop cuts the pause short, and that is not long.
            var pause = pollfd()
            _ = poll(&pause, 0, 100)
        }
    }

    private func read(_ socket: Int32, host: String, from place: inout Int64?) {
        var request = "GET /v1/events HTTP/1.1\r\nHost: \(host)\r\nAccept: text/event-stream\r\n"
        if let token { request += "Authorization: Bearer \(token)\r\n" }
        if let place { request += "Last-Event-ID: \(place)\r\n" }
        request += "\r\n"
        guard Glibc.send(socket, request, request.utf8.count, Int32(MSG_NOSIGNAL)) == request.utf8.count else { return }
        var reader = EventReader()
        let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 256 * 1024)
        defer { buffer.deallocate() }
        while !isStopped.load(ordering: .acquiring) {
            let count = recv(socket, buffer.baseAddress, buffer.count, 0)
            // The socket's timeout lets the thread look whether it is to stop.
            if count < 0, errno == EAGAIN || errno == EINTR { continue }
            guard count > 0 else { return }
            isConnected.store(true, ordering: .releasing)
            guard let events = try? reader.take(UnsafeBufferPointer(rebasing: buffer[..<count])) else {
                // A place that is not taken any more: follow from now on.
                place = nil
                return
            }
            if let last = events.last {
                place = last.number
                hear(events)
            }
            if reader.isOver { return }
        }
    }

    /// Host and port of a URL of the form `http://host:port`.
    static func authority(_ url: String) -> (host: String, port: String) {
        let rest = url.dropFirst("http://".count).prefix { $0 != "/" }
        guard let colon = rest.lastIndex(of: ":") else { return (String(rest), "80") }
        return (String(rest[..<colon]), String(rest[rest.index(after: colon)...]))
    }

    private static func connect(_ host: String, _ port: String) -> Int32? {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, port, &hints, &found) == 0 else { return nil }
        defer { freeaddrinfo(found) }
        var candidate = found
        while let address = candidate?.pointee {
            candidate = address.ai_next
            let socket = Glibc.socket(address.ai_family, address.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), 0)
            guard socket >= 0 else { continue }
            var timeout = timeval(tv_sec: 0, tv_usec: 200_000)
            setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
            if Glibc.connect(socket, address.ai_addr, address.ai_addrlen) == 0 { return socket }
            Glibc.close(socket)
        }
        return nil
    }
}

/// A thread that ends with its body.
enum LoadThread {
    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    static func start(_ body: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(Body(body)).toOpaque()
        let status = pthread_create(
            &thread, nil,
            { context in
                Unmanaged<Body>.fromOpaque(context!).takeRetainedValue().run()
                return nil
            }, context)
        precondition(status == 0, "the system has no thread left: \(String(cString: strerror(status)))")
        pthread_detach(thread)
    }
}
