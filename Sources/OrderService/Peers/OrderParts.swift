import Clocks
import HTTPCodec
import JSON
import Resilience
import ServiceChassis
import Telemetry

/// The parts of an order that other services own: its payment and its shipment, as they show them.
///
/// Each is asked for with every read of the order, and comes from memory only where its service gives no answer. A
/// `StaleCache` would not do: whoever has just been told that an order is confirmed must find its payment captured, and
/// neither an ageing value nor a fetch that somebody else began earlier shows that.
struct OrderParts: Sendable {
    /// A part as JSON; nil when there is none.
    enum Part: Sendable {
        case found([UInt8]?)
        /// Its service could not be asked; as it was last seen, nil when it never was.
        case degraded([UInt8]?)
    }

    /// One of the parts, and who has it.
    private struct Source: Sendable {
        let path: String
        let caller: ServiceCaller
        let fallback: Fallback
        let lastKnown: LastAnswers<UUID, [UInt8]>
    }

    private let payment: Source
    private let shipment: Source
    private let timeout: Duration
    private let time: any TimeSource
    private let log: Logger

    init(
        payments: ServiceCaller, shipments: ServiceCaller, timeout: Duration = .seconds(1), time: any TimeSource,
        fallbacks: CounterFamily, log: Logger
    ) {
        func source(_ path: String, _ operation: String, _ caller: ServiceCaller) -> Source {
            let fallback = Fallback(operation: operation) { event in
                guard case .fallbackUsed = event else { return }
                fallbacks.labelled(operation).increment()
            }
            return Source(path: path, caller: caller, fallback: fallback, lastKnown: LastAnswers(time: time))
        }
        payment = source("/v1/payments", "read-payment", payments)
        shipment = source("/v1/shipments", "read-shipment", shipments)
        self.timeout = timeout
        self.time = time
        self.log = log
    }

    /// Asks both services at once; the answer does not wait for either longer than the timeout.
    func parts(of orderID: UUID, deadline: MonotonicInstant) async -> (payment: Part, shipment: Part) {
        let deadline = min(deadline, time.now.advanced(by: timeout))
        async let payment = part(payment, orderID, deadline)
        async let shipment = part(shipment, orderID, deadline)
        return await (payment, shipment)
    }

    private func part(_ source: Source, _ orderID: UUID, _ deadline: MonotonicInstant) async -> Part {
        do {
            let answer = try await source.fallback.call {
                try await ask(source, orderID, deadline)
            } instead: { reason -> [UInt8]?? in
                log.debug(
                    "a part of an order could not be fetched",
                    ["orderId": .uuid(orderID), "error": .text(reason.description)])
                return .some(source.lastKnown.answer(for: orderID)?.value)
            }
            guard !answer.isDegraded else { return .degraded(answer.value) }
            if let part = answer.value { source.lastKnown.remember(part, for: orderID) }
            return .found(answer.value)
        } catch {
            // The caller has gone.
            return .degraded(nil)
        }
    }

    private func ask(
        _ source: Source, _ orderID: UUID, _ deadline: MonotonicInstant
    ) async throws -> [UInt8]? {
        let operation = source.fallback.operation
        do {
            let response = try await source.caller.send(
                .init(.get, "\(source.path)?orderId=\(orderID)&limit=1"), operation: operation, deadline: deadline)
            guard response.status == .ok, let items = try JSONDocument(parsing: response.body).root["items"] else {
                throw CallError.unavailable(operation: operation, detail: "answered \(response.status)")
            }
            return items.elements.first { _ in true }.map { Array($0.source) }
        } catch CallError.cancelled {
            throw CancellationError()
        }
    }
}
