import Clocks
import HTTPCodec
import JSON

/// A `POST /v1/orders` from the socket's bytes to the bytes of its answer, without the database and without what only the
/// service knows: the catalogue's prices and the digest of the canonical form.
func requestParts() -> [Part] {
    let body = Array(orderText.utf8)
    let head =
        "POST /v1/orders HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Type: application/json\r\n"
        + "Idempotency-Key: bench-17\r\nContent-Length: \(body.count)\r\n\r\n"
    let request = Array(head.utf8) + body
    let time = MonotonicInstant(nanoseconds: 1_000_000_000)
    let date = HTTPDate(Timestamp(milliseconds: 1_795_509_302_123))
    return [
        Part("POST /v1/orders: bytes in, answer out, no database", nanoseconds: 60_000, allocations: 22) { count in
            var connection = HTTPServerConnection(limits: HTTPLimits(), now: time)
            for _ in 0..<count {
                request.withUnsafeBufferPointer { connection.receive($0, now: time) }
                guard case .handle(let request)? = connection.nextAction(now: time, date: date),
                    let document = try? JSONDocument(parsing: request.body),
                    let order = try? document.decode({ NewOrder(&$0) })
                else { preconditionFailure("the sample request is refused") }
                consume(order)
                consume(document.canonicalBytes)
                var response = HTTPResponse.json(Answer.sample.encoded, status: .accepted)
                response.fields.append("Location", "/v1/orders/019ab3c4-d5e6-7f01-8a1b-2c3d4e5f6071")
                consume(connection.respond(response, now: time, date: date))
                let unsent = connection.withUnsent { $0.count }
                connection.didSend(unsent, now: time)
            }
        }
    ]
}
