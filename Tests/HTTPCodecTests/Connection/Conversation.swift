import Clocks
import HTTPCodec

/// A connection with a client that is written down: what it sends goes in, what it gets is kept.
struct Conversation {
    typealias Answer = (HTTPRequest) -> HTTPResponse?

    var connection: HTTPServerConnection
    var now = MonotonicInstant(nanoseconds: 0)
    let date = HTTPDate(Timestamp(microseconds: 784_111_777_000_000))
    /// Everything the client got.
    var received: [UInt8] = []
    var requests: [HTTPRequest] = []
    var handlerCancels = 0
    /// Whether the server ended its side, and whether it closed the socket.
    var outputEnded = false
    var closed: Closing?
    /// How many bytes the socket takes before it is full; nil for any number.
    var room: Int?
    var streams: [HTTPBodyStream] = []
    /// What a handler answers at once; nil leaves the request in hand.
    var answer: Answer

    enum Closing: Hashable { case orderly, reset }

    init(limits: HTTPLimits = HTTPLimits(), answer: @escaping Answer = Conversation.describe) {
        connection = HTTPServerConnection(limits: limits, now: now)
        self.answer = answer
    }

    static func describe(_ request: HTTPRequest) -> HTTPResponse? {
        let text = "\(request.method) \(request.target) \(request.body.count)"
        return HTTPResponse(contentType: "text/plain", bytes: Array(text.utf8))
    }

    var text: String { String(decoding: received, as: UTF8.self) }
    var statuses: [Int] { AnswerReader.read(received, requests: requests).map(\.status) }

    mutating func send(_ text: String) { send(Array(text.utf8)) }

    mutating func send(_ bytes: [UInt8]) {
        bytes.withUnsafeBufferPointer { connection.receive($0, now: now) }
        run()
    }

    mutating func endInput() {
        connection.receiveEnd(now: now)
        run()
    }

    mutating func respond(_ response: HTTPResponse) {
        if let stream = connection.respond(response, now: now, date: date) { streams.append(stream) }
        run()
    }

    mutating func advance(by duration: Duration) {
        now = now.advanced(by: duration)
        connection.reachDeadline(now: now, date: date)
        run()
    }

    /// Performs what the connection asks for until it asks for nothing.
    mutating func run() {
        while true {
            let acted = performActions()
            let sent = flush()
            guard acted || sent else { return }
        }
    }

    private mutating func performActions() -> Bool {
        var acted = false
        while let action = connection.nextAction(now: now, date: date) {
            acted = true
            switch action {
            case .handle(let request):
                requests.append(request)
                if let response = answer(request) {
                    if let stream = connection.respond(response, now: now, date: date) { streams.append(stream) }
                }
            case .cancelHandler: handlerCancels += 1
            case .endOutput: outputEnded = true
            case .close(let reset): closed = reset ? .reset : .orderly
            }
        }
        return acted
    }

    private mutating func flush() -> Bool {
        let count = min(connection.unsentCount, room ?? .max)
        guard connection.unsentCount > 0 else { return false }
        received += connection.withUnsent { Array($0.prefix(count)) }
        if room != nil { room! -= count }
        connection.didSend(count, now: now)
        return count > 0
    }
}

/// A deliberately plain reader of answers, independent of the code under test.
enum AnswerReader {
    struct Answer: Hashable {
        var status: Int
        var head: [String]
        var body: [UInt8]
        /// Whether the answer said that the connection closes.
        var closes: Bool { head.contains("connection: close") }
        var bodyText: String { String(decoding: body, as: UTF8.self) }
    }

    static func read(_ bytes: [UInt8], requests: [HTTPRequest] = []) -> [Answer] {
        var answers: [Answer] = []
        var rest = bytes[...]
        var finals = 0
        while let end = find("\r\n\r\n", in: rest) {
            let lines = String(decoding: rest[..<end], as: UTF8.self).split(separator: "\r\n").map(String.init)
            rest = rest[(end + 4)...]
            let status = Int(lines[0].split(separator: " ")[1])!
            let head = lines.dropFirst().map { $0.lowercased() }
            let isHead = finals < requests.count && requests[finals].method == .head
            if status >= 200 { finals += 1 }
            var body: [UInt8] = []
            if let field = head.first(where: { $0.hasPrefix("content-length: ") }), !isHead {
                let length = Int(field.dropFirst(16))!
                body = Array(rest.prefix(length))
                rest = rest.dropFirst(length)
            } else if head.contains("transfer-encoding: chunked"), !isHead {
                while let lineEnd = find("\r\n", in: rest) {
                    let size = Int(String(decoding: rest[..<lineEnd], as: UTF8.self), radix: 16)!
                    body += rest[(lineEnd + 2)...].prefix(size)
                    rest = rest[(lineEnd + 2)...].dropFirst(size + 2)
                    if size == 0 { break }
                }
            }
            answers.append(Answer(status: status, head: head, body: body))
        }
        return answers
    }

    private static func find(_ text: String, in bytes: ArraySlice<UInt8>) -> Int? {
        let pattern = Array(text.utf8)
        guard bytes.count >= pattern.count else { return nil }
        return (bytes.startIndex...(bytes.endIndex - pattern.count)).first {
            bytes[$0..<($0 + pattern.count)].elementsEqual(pattern)
        }
    }
}
