import Glibc
import Telemetry

/// What a client saw of one request, down to how the connection ended.
struct RawAnswer: Sendable {
    /// Everything that came.
    var text: String
    /// 0 for an orderly end of stream, else an error such as `ECONNRESET`.
    var ending: Int32

    /// Nil when no head came.
    var status: Int? {
        let words = text.split(separator: " ", maxSplits: 2)
        return words.count > 1 && words[0] == "HTTP/1.1" ? Int(words[1]) : nil
    }

    var body: String {
        text.firstRange(of: "\r\n\r\n").map { String(text[$0.upperBound...]) } ?? ""
    }

    func field(_ name: String) -> String? {
        for line in text.split(separator: "\r\n") {
            guard let colon = line.firstRange(of: ": "), line[..<colon.lowerBound].lowercased() == name.lowercased()
            else { continue }
            return String(line[colon.upperBound...])
        }
        return nil
    }
}

/// A connection on which a test sends what it likes; reading happens on a thread of its own.
final class RawClient: Sendable {
    private let socket: Int32

    init(port: Int) throws {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var timeout = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        self.socket = socket
        guard result == 0 else { throw Refused(code: errno) }
    }

    deinit { close(socket) }

    struct Refused: Error { var code: Int32 }

    func send(_ text: String) {
        _ = Glibc.send(socket, text, text.utf8.count, Int32(MSG_NOSIGNAL))
    }

    /// Goes away the rude way, which the server notices at once.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(socket, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        // The descriptor stays ours until deinit: connecting it to nothing sends the reset.
        var nothing = sockaddr(sa_family: sa_family_t(AF_UNSPEC), sa_data: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
        connect(socket, &nothing, socklen_t(MemoryLayout<sockaddr>.size))
    }

    /// Everything up to the end of the connection.
    func readToEnd() async -> RawAnswer {
        await withCheckedContinuation { continuation in
            WorkerThread.start(name: "raw-client") { [self] in
                var received: [UInt8] = []
                var buffer = [UInt8](repeating: 0, count: 65_536)
                while true {
                    let count = recv(socket, &buffer, buffer.count, 0)
                    guard count > 0 else {
                        let ending = count == 0 ? 0 : errno
                        let text = String(decoding: received, as: UTF8.self)
                        continuation.resume(returning: RawAnswer(text: text, ending: ending))
                        return
                    }
                    received += buffer[..<count]
                }
            }
        }
    }
}
