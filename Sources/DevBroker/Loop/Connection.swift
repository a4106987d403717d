import Glibc

/// A client's socket with what has arrived and what is still to be sent; belongs to the loop.
final class Connection {
    /// While more than this is unsent, no further request of the connection is taken.
    private static let unsentLimit = 256 * 1024

    let socket: Int32
    let key: ConnectionKey
    var frames = FrameAssembler()
    /// The socket may hold bytes that were not read yet.
    var hasUnread = false
    /// Whether it is in the loop's list of connections to come back to.
    var isQueued = false
    /// The socket takes no more until the kernel says so.
    var isBlocked = false
    private var output: [[UInt8]] = []
    /// How much of the first answer has been sent.
    private var sent = 0
    private(set) var unsent = 0

    init(socket: Int32, key: ConnectionKey) {
        self.socket = socket
        self.key = key
    }

    var hasRoom: Bool { unsent <= Self.unsentLimit }

    func queue(_ answer: [UInt8]) {
        output.append(answer)
        unsent += answer.count
    }

    /// Sends as much as the socket takes; false when the connection is broken.
    func flush() -> Bool {
        var done = 0
        defer { output.removeFirst(done) }
        while done < output.count, !isBlocked {
            let count = output[done].withUnsafeBytes {
                send(socket, $0.baseAddress?.advanced(by: sent), $0.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 || errno == EAGAIN else { return false }
            guard count >= 0 else {
                isBlocked = true
                return true
            }
            sent += count
            unsent -= count
            if sent == output[done].count {
                sent = 0
                done += 1
            }
        }
        return true
    }
}
