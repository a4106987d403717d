import Clocks
import Contracts
import HTTPCodec
import HTTPServer
import JSON
import ServiceChassis
import Synchronization
import Telemetry
import TestSupport
import Testing

/// A payment provider and carrier over HTTP that does what a test says, right or wrong, and keeps its own books.
final class ProviderDouble: Sendable {
    /// What goes wrong with one call.
    enum Fault: Sendable, Hashable {
        /// Done, and the connection ends without an answer.
        case loseAnswer
        /// Done, and the connection is reset.
        case resetAfter
        /// Nothing is done, and the connection is reset.
        case resetBefore
        /// Done, and the answer breaks off in its body.
        case truncate
        /// Done, and the answer comes when nobody waits for it any more.
        case answerLate
        /// Nothing is done now; it is when ``ProviderDouble/arrive()`` is called.
        case delay
        /// Done, and answered with this status without a body.
        case statusAfter(Int)
        /// Nothing is done, and answered with this status without a body.
        case statusBefore(Int)
        /// Nothing is done, and that is said: 429 with this `Retry-After`, or a 503 of ours.
        case throttle(retryAfter: String)
        case overloaded
        /// Done, but answered as if the charge or booking had this status; 404 for nil.
        case lie(String?)
        /// Accepted, but not decided before ``ProviderDouble/decide()``.
        case hold
        /// The charge is declined or the booking refused by itself.
        case refuse
    }

    /// A charge or a booking.
    struct Entry: Sendable {
        var status: String
        var payload: [UInt8]?
        var amount: Int64?
        var captured: Int64 = 0
        var refunded: Int64 = 0
        /// How often money was taken, or a carrier booked.
        var effects = 0
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var faults: [String: [Fault]] = [:]
        var calls: [String] = []
        var keys: [String: Int] = [:]
        var delayed: [(operation: String, key: String, body: [UInt8])] = []
    }

    private let state = Mutex(State())
    private let time = SystemTime()
    /// Longer than callers in these tests wait for an answer.
    static let attemptTimeout = Duration.seconds(1)

    /// The next calls of this operation go wrong, one after the other.
    func fail(_ operation: String, _ faults: Fault...) {
        state.withLock { $0.faults[operation, default: []] += faults }
    }

    /// The operations that were asked for, in order.
    var calls: [String] { state.withLock { $0.calls } }

    func entry(_ key: UUID) -> Entry? { state.withLock { $0.entries[key.description] } }
    var entries: [Entry] { state.withLock { Array($0.entries.values) } }

    /// Everything that was on its way arrives.
    func arrive() {
        state.withLock { state in
            for call in state.delayed { Self.perform(call.operation, call.key, call.body, holds: false, in: &state) }
            state.delayed = []
        }
    }

    /// What was held is decided.
    func decide() {
        state.withLock { state in
            for (key, entry) in state.entries where entry.status == "pending" {
                state.entries[key] = Self.done(entry, isCharge: entry.amount != nil)
            }
        }
    }

    /// The carrier moves the goods on.
    func move(_ key: UUID, to status: String) {
        state.withLock { $0.entries[key.description]?.status = status }
    }

    func handle(_ request: HTTPRequest) async -> HTTPResponse {
        let parts = request.target.split(separator: "/").map(String.init)
        let isCharge = parts[1] == "charges"
        let key = parts.count > 2 ? parts[2] : request.fields["Idempotency-Key"] ?? ""
        let operation =
            switch (request.method, parts.count) {
            case (.get, _): isCharge ? "query-charge" : "query-booking"
            case (_, 2): isCharge ? "charge" : "book"
            default: parts[3]
            }
        let (fault, response) = state.withLock { state -> (Fault?, HTTPResponse) in
            state.calls.append(operation)
            state.keys[key, default: 0] += 1
            var fault: Fault?
            if let next = state.faults[operation]?.first {
                fault = next
                state.faults[operation]?.removeFirst()
            }
            return (fault, Self.answer(operation, key, request.body, fault, in: &state))
        }
        switch fault {
        case .loseAnswer: return .abort(reset: false)
        case .resetAfter, .resetBefore: return .abort(reset: true)
        case .truncate: return response.abort(after: .bytes(10), reset: false)
        case .delay: return .abort(reset: true)
        case .answerLate:
            try? await time.sleep(for: Self.attemptTimeout * 2)
            return response
        case .statusAfter(let status): return HTTPResponse(status: HTTPStatus(status))
        default: return response
        }
    }

    private static func answer(
        _ operation: String, _ key: String, _ body: [UInt8], _ fault: Fault?, in state: inout State
    ) -> HTTPResponse {
        switch fault {
        case .resetBefore: return HTTPResponse(status: .ok)
        case .statusBefore(let status): return HTTPResponse(status: HTTPStatus(status))
        case .throttle(let retryAfter):
            return HTTPResponse(status: .tooManyRequests, fields: ["Retry-After": retryAfter])
        case .overloaded: return ProblemDetails(.overloaded).response()
        case .delay:
            state.delayed.append((operation, key, body))
            return HTTPResponse(status: .ok)
        case .lie(let status):
            perform(operation, key, body, holds: false, in: &state)
            guard let status, var entry = state.entries[key] else { return ProblemDetails(.notFound).response() }
            entry.status = status
            return show(key, entry, .ok)
        case .refuse:
            state.entries[key] = Entry(
                status: operation == "charge" ? "declined" : "refused", payload: body, amount: amount(body))
            return show(key, state.entries[key], .created)
        case .hold, .loseAnswer, .resetAfter, .truncate, .answerLate, .statusAfter, nil:
            return perform(operation, key, body, holds: fault == .hold, in: &state)
        }
    }

    @discardableResult
    private static func perform(
        _ operation: String, _ key: String, _ body: [UInt8], holds: Bool, in state: inout State
    ) -> HTTPResponse {
        let known = state.entries[key]
        switch operation {
        case "charge", "book":
            let isCharge = operation == "charge"
            if let known {
                guard let payload = known.payload else {
                    return problem(409, isCharge ? "charge-reversed" : "booking-cancelled")
                }
                return payload == body ? show(key, known, .ok) : problem(422, "idempotency-key-reused")
            }
            var entry = Entry(status: "pending", payload: body, amount: isCharge ? amount(body) : nil)
            let text = String(decoding: body, as: UTF8.self)
            if text.contains("\"tok_declined\"") {
                entry.status = "declined"
            } else if text.contains("\"AQ\"") {
                entry.status = "refused"
            } else if !holds {
                entry = done(entry, isCharge: isCharge)
            }
            state.entries[key] = entry
        case "reversal", "cancellation":
            let end = operation == "reversal" ? "reversed" : "cancelled"
            switch known?.status {
            case nil: state.entries[key] = Entry(status: end)
            case "captured", "booked", "pending":
                state.entries[key]?.status = end
                state.entries[key]?.refunded = known?.captured ?? 0
            case "dispatched", "delivered": return problem(409, "already-dispatched")
            default: break
            }
        case "confirmation":
            guard let known else { return problem(404, "not-found") }
            if known.status == "cancelled" { return problem(409, "booking-cancelled") }
        default: break
        }
        return show(key, state.entries[key], known == nil ? .created : .ok)
    }

    private static func done(_ entry: Entry, isCharge: Bool) -> Entry {
        var entry = entry
        entry.status = isCharge ? "captured" : "booked"
        entry.captured = entry.amount ?? 0
        entry.effects += 1
        return entry
    }

    private static func amount(_ body: [UInt8]) -> Int64? {
        (try? JSONDocument(parsing: body))?.root["amount"]?["amount"]?.int64
    }

    private static func problem(_ status: Int, _ slug: String) -> HTTPResponse {
        HTTPResponse(
            status: HTTPStatus(status), contentType: "application/problem+json",
            bytes: Array("{\"type\":\"urn:holdfast:problem:\(slug)\",\"status\":\(status)}".utf8))
    }

    private static func show(_ key: String, _ entry: Entry?, _ status: HTTPStatus) -> HTTPResponse {
        guard let entry else { return problem(404, "not-found") }
        var json = JSONWriter(capacity: 256)
        func money(_ amount: Int64) -> Money { Money(amount: amount, currency: "EUR") }
        json.object {
            $0.member("id", "at-\(key)")
            $0.member("key", key)
            $0.member("status", entry.status)
            $0.member("amount", entry.amount.map(money))
            $0.member("captured", entry.amount.map { _ in money(entry.captured) })
            $0.member("refunded", entry.amount.map { _ in money(entry.refunded) })
        }
        return .json(json.bytes, status: status)
    }
}

extension ProviderDouble {
    /// Runs the double as a server, and hands a way to call it to `body`.
    func run(_ body: @Sendable (ServiceCaller) async throws -> Void) async throws {
        let server = try HTTPServer(
            configuration: HTTPServerConfiguration(host: "127.0.0.1"), time: time, handler: { await self.handle($0) })
        let port = try server.listen()
        async let running: Void = server.run()
        var reader = SettingsReader(SettingsSources(environment: ["AUTH": "off"]))
        let chassis = Chassis(
            service: "test", settings: ChassisSettings(reading: &reader), time: time, random: SeededRandom(seed: 5),
            logger: .silent)
        let calls = chassis.outgoingCalls()
        var patience = ServiceCaller.Configuration()
        patience.attemptTimeout = Self.attemptTimeout
        patience.trustsContract = false
        patience.retry.backoff = .exponential(base: .milliseconds(5), factor: 2, cap: .milliseconds(20), jitter: 0)
        patience.breaker.minimumCalls = 100
        let url = try #require(ServiceURL("http://127.0.0.1:\(port)"))
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await body(try calls.caller("provider", [url], configuration: patience)))
        } catch {
            outcome = .failure(error)
        }
        let life = ServiceLife()
        life.stop()
        try await calls.part.run(life)
        await server.drain(deadline: time.now)
        try await running
        try outcome.get()
    }
}
