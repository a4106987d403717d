import Clocks
import Contracts
import HTTPCodec
import JSON
import Resilience
import ServiceChassis

/// A carrier over HTTP.
///
/// A booking is sent once: whether it is sent again is decided by what the carrier says of it, never by a retry that does
/// not know. Everything else changes nothing when it is repeated, and is.
struct HTTPCarrier: Carrier {
    private let caller: ServiceCaller
    /// Asking again what became of the same booking is paid for like any repeat, and put off when it cannot be.
    private let queries = DurableRepeats<UUID>()
    private let timeout: Duration
    private let tracking: Backoff
    private let time: any TimeSource
    private let random: any RandomSource

    /// - Parameters:
    ///   - timeout: how long a call may take, repeats included.
    ///   - tracking: how long to wait before asking again where the goods are; webhooks usually tell earlier.
    init(
        _ caller: ServiceCaller, timeout: Duration,
        tracking: Backoff = .exponential(base: .seconds(10), factor: 2, cap: .seconds(60), jitter: 0.2),
        time: any TimeSource, random: any RandomSource
    ) {
        self.caller = caller
        self.timeout = timeout
        self.tracking = tracking
        self.time = time
        self.random = random
    }

    func immediateAnswer(to call: CarrierCall, for shipment: Shipment) -> CarrierAnswer? { nil }

    func trackingDelay(of shipment: Shipment) -> Duration? {
        tracking.delay(shipment.postponements + 1, after: nil, random: random)
    }

    func perform(_ call: CarrierCall, for shipment: Shipment) async throws(CancellationError) -> CarrierAnswer {
        guard call == .query else {
            queries.forget(shipment.id)
            return try await send(call, for: shipment)
        }
        guard queries.mayDo(shipment.id, paidFrom: caller.budget) else {
            return .notCalled("the retry budget of \(caller.name) does not pay for another query yet", retryAfter: nil)
        }
        let answer = try await send(call, for: shipment)
        switch answer {
        case .unknown, .noEffect, .notCalled, .undecided: break
        default: queries.forget(shipment.id)
        }
        return answer
    }

    private func send(_ call: CarrierCall, for shipment: Shipment) async throws(CancellationError) -> CarrierAnswer {
        do throws(CallError) {
            let response = try await caller.send(
                Self.request(call, shipment), operation: call.label, deadline: time.now.advanced(by: timeout))
            return Self.answer(to: call, for: shipment, response.status.code, response.body)
        } catch {
            switch error {
            case .cancelled: throw CancellationError()
            case .refused(_, let detail, let retryAfter): return .notCalled(detail, retryAfter: retryAfter)
            case .unavailable(_, _, let retryAfter): return .noEffect("\(error)", retryAfter: retryAfter)
            case .deadlineExceeded where error.hadNoEffect: return .noEffect("\(error)", retryAfter: nil)
            case .deadlineExceeded, .outcomeUnknown: return .unknown("\(error)")
            }
        }
    }

    private static func request(_ call: CarrierCall, _ shipment: Shipment) -> ServiceRequest {
        func change(_ what: String) -> ServiceRequest {
            var request = ServiceRequest(.post, "/v1/bookings/\(shipment.id)/\(what)", body: [])
            request.repeatsWhenUnknown = true
            return request
        }
        switch call {
        case .query, .track: return ServiceRequest(.get, "/v1/bookings/\(shipment.id)")
        case .cancel: return change("cancellation")
        case .confirm: return change("confirmation")
        case .book:
            var json = JSONWriter(capacity: 640)
            json.object {
                $0.member("shipTo", shipment.shipTo)
                $0.member("lines", shipment.lines)
                $0.member("reference", shipment.orderID)
            }
            var request = ServiceRequest(
                .post, "/v1/bookings",
                fields: ["Content-Type": "application/json", IdempotencyKey.header: shipment.id.description],
                body: json.bytes)
            request.repeatsWhenUnknown = false
            return request
        }
    }
}

// MARK: Reading answers

extension HTTPCarrier {
    /// What a carrier's answer means; anything that is not what was agreed leaves open what was done.
    static func answer(
        to call: CarrierCall, for shipment: Shipment, _ status: Int, _ body: [UInt8]
    ) -> CarrierAnswer {
        switch (status, call) {
        case (200...299, _): booking(body, for: shipment)
        case (404, .query), (404, .track): .notFound
        // It was cancelled, refused or dispatched before: a query will tell which.
        case (409, _): .tooLate("the carrier answered 409 to \(call.label)")
        // It let nobody in: nothing can have been done.
        case (401, _), (403, _): .noEffect("the carrier answered \(status)", retryAfter: nil)
        default: .unknown("the carrier answered \(status)")
        }
    }

    private enum BookingStatus: String, CaseIterable {
        case pending, booked, refused, cancelled, dispatched, delivered
    }

    private static func booking(_ body: [UInt8], for shipment: Shipment) -> CarrierAnswer {
        let booking: (id: String, key: String, status: BookingStatus)
        do {
            booking = try JSONDocument(parsing: body).decode(unknownMembers: .ignored) { booking in
                (booking.string("id", length: 1...255), booking.string("key"), booking.oneOf("status"))
            }
        } catch {
            return .unknown("the carrier's answer is not readable: \(error)")
        }
        guard booking.key == shipment.id.description else { return .unknown("the carrier answered for another key") }
        return switch booking.status {
        case .pending: .undecided
        case .booked: .booked(reference: booking.id)
        case .refused: .refused
        case .cancelled: .cancelled
        case .dispatched: .dispatched(reference: booking.id)
        case .delivered: .delivered(reference: booking.id)
        }
    }
}
