import Glibc
import Synchronization

@testable import HTTPClient

/// A TCP server on loopback that does with each connection exactly what a test says, right or wrong.
final class RawServer: Sendable {
    let port: UInt16
    private let listener: Int32
    private let state = Mutex<(connections: Int, closed: Int, requests: [String])>((0, 0, []))

    /// `serve` runs on a thread per connection; the connection is closed when it returns.
    init(backlog: Int32 = 128, _ serve: (@Sendable (RawConnection) -> Void)? = nil) {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        port = Self.bindToLoopback(listener)
        precondition(listen(listener, backlog) == 0)
        guard let serve else { return }
        CurlThread.start(name: "raw-server") { [listener, self] in
            while true {
                let descriptor = accept(listener, nil, nil)
                guard descriptor >= 0 else { return }
                let index = state.withLock { state in
                    state.connections += 1
                    return state.connections - 1
                }
                let connection = RawConnection(descriptor: descriptor, index: index, server: self)
                CurlThread.start(name: "raw-connection") {
                    serve(connection)
                    connection.finish()
                    self.state.withLock { $0.closed += 1 }
                }
            }
        }
    }

    var url: String { "http://127.0.0.1:\(port)" }
    var connectionCount: Int { state.withLock { $0.connections } }
    /// Every request that was read, head and body.
    var requests: [String] { state.withLock { $0.requests } }

    /// Returns once every connection so far has been closed by its script.
    func waitForClosedConnections() async {
        while !state.withLock({ $0.closed == $0.connections }) { await Task.yield() }
    }

    fileprivate func note(_ request: String) {
        state.withLock { $0.requests.append(request) }
    }

    /// Ends the accepting thread and frees the port; running connections go on.
    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    /// Begins a connection that nobody accepts; the caller closes the descriptor.
    func occupyBacklog() -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        var address = Self.loopback(port: port)
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        return descriptor
    }

    private static func loopback(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    /// A loopback port on which nothing listens.
    static func unusedPort() -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        return bindToLoopback(descriptor)
    }

    private static func bindToLoopback(_ descriptor: Int32) -> UInt16 {
        var address = loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                precondition(bind(descriptor, pointer, length) == 0)
                precondition(getsockname(descriptor, pointer, &length) == 0)
            }
        }
        return UInt16(bigEndian: address.sin_port)
    }
}

/// One accepted connection, with blocking calls: it runs on a thread of its own.
struct RawConnection: Sendable {
    let descriptor: Int32
    /// The how-manieth connection of the server it is, from 0.
    let index: Int
    let server: RawServer

    /// The next request, head and body by `Content-Length`; nil when the client has closed.
    @discardableResult
    func readRequest() -> String? {
        var text = ""
        while true {
            if let end = text.firstRange(of: "\r\n\r\n") {
                let head = text[..<end.lowerBound].lowercased()
                let length = head.split(separator: "\r\n").first { $0.hasPrefix("content-length:") }
                    .flatMap { Int($0.dropFirst(15).drop { $0 == " " }) }
                if text[end.upperBound...].utf8.count >= length ?? 0 {
                    server.note(text)
                    return text
                }
            }
            var buffer = [UInt8](repeating: 0, count: 65_536)
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            text += String(decoding: buffer[..<count], as: UTF8.self)
        }
    }

    func send(_ text: String) {
        var text = text
        _ = text.withUTF8 { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }

    func send(status: String = "200 OK", fields: String = "", body: String) {
        send("HTTP/1.1 \(status)\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }

    /// Answers every request with this body until the client closes.
    func answerAll(_ body: String = "ok") {
        while readRequest() != nil { send(body: body) }
    }

    /// Makes the close that follows a reset.
    func resetAtClose() {
        var lingering = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &lingering, socklen_t(MemoryLayout<linger>.size))
    }

    /// Closes the connection, and returns only when the client's side of the kernel knows: a machine under load may
    /// take a moment over that, in which the client would rightly take the connection for alive.
    func finish() {
        var lingering = linger()
        var length = socklen_t(MemoryLayout<linger>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_LINGER, &lingering, &length)
        if lingering.l_onoff == 0 {
            shutdown(descriptor, Int32(SHUT_WR))
            let (finWait1, closing, tcpInfo): (UInt8, UInt8, Int32) = (4, 11, 11)
            for _ in 0..<200 {
                var state: UInt8 = 0
                var size = socklen_t(1)
                getsockopt(descriptor, Int32(IPPROTO_TCP), tcpInfo, &state, &size)
                guard state == finWait1 || state == closing else { break }
                usleep(500)
            }
        }
        close(descriptor)
    }

    /// Keeps the connection open, and silent, until the client closes it.
    func waitForClose() {
        var byte: UInt8 = 0
        while recv(descriptor, &byte, 1, 0) > 0 {}
    }
}
