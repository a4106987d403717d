import Clocks
import Messaging
import Telemetry

/// The spans of sagas: one where a saga begins, and one for each step, from its command to the reply.
///
/// A step's span is known by what its command carries, and comes back with the reply, so that any process can tell it.
/// Everything the command causes is below it. A command that a timer sends again carries no trace.
struct SagaTracing: Sendable {
    let tracer: Tracer?

    /// What is told once its transaction has committed.
    typealias Span = @Sendable () -> Void

    /// The span of the saga's begin, below the request that asked for it.
    func begin(_ saga: UUID, of definition: String, _ trace: TraceHeaders, at now: Timestamp) -> Span? {
        guard let tracer, tracer.isExporting, let request = trace.context, request.isSampled else { return nil }
        return {
            tracer.record(
                "begin \(definition)", context: Self.context(of: saga, in: request), parent: request.spanID, start: now,
                end: now, attributes: [SpanAttribute("holdfast.order.id", .text("\(saga)"))])
        }
    }

    /// What a step's command carries: a span of its own where the trace is told, else what led to it.
    func step(below trace: TraceHeaders?) -> TraceHeaders? {
        guard let tracer, tracer.isExporting, let cause = trace?.context, cause.isSampled else { return trace }
        return TraceHeaders(tracer.child(of: cause))
    }

    /// The span of a step that has been answered.
    ///
    /// - Parameters:
    ///   - trace: what the reply carries.
    ///   - failure: why the step was not done, where it was not.
    func end(
        _ command: String, of saga: UUID, _ trace: TraceHeaders, start: Timestamp, end: Timestamp, failure: String?
    ) -> Span? {
        guard let tracer, tracer.isExporting, let step = trace.context, step.isSampled else { return nil }
        return {
            tracer.record(
                command, context: step, parent: Self.context(of: saga, in: step).spanID, start: start, end: end,
                attributes: [SpanAttribute("holdfast.order.id", .text("\(saga)"))],
                status: failure.map { .error($0) } ?? .unset)
        }
    }

    /// The saga's own span is named by its identifier: so its steps know it, in whatever process they end.
    private static func context(of saga: UUID, in trace: TraceContext) -> TraceContext {
        let mixed = (saga.high &* 0x9E37_79B9_7F4A_7C15) ^ saga.low
        return TraceContext(
            traceID: trace.traceID, spanID: SpanID(mixed) ?? trace.spanID, isSampled: trace.isSampled,
            state: trace.state)
    }
}
