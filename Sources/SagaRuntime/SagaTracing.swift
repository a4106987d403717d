import Clocks
import Messaging
import Telemetry

/// The spans of sagas: one where a saga begins, and one for each step, from its command to the reply.
///
/// A span's identifier follows from the saga's and the command's, so that any process can tell it, whichever copy of a
/// reply comes first and whatever place in the trace that copy carries. Everything the command causes is below it. A command
/// that a timer sends again carries no trace.
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
    func step(_ command: String, of saga: UUID, below trace: TraceHeaders?) -> TraceHeaders? {
        guard let tracer, tracer.isExporting, let cause = trace?.context, cause.isSampled else { return trace }
        return TraceHeaders(Self.context(of: saga, command, in: cause))
    }

    /// The span of a step that has been answered.
    ///
    /// - Parameters:
    ///   - trace: what the reply carries.
    ///   - failure: why the step was not done, where it was not.
    func end(
        _ command: String, of saga: UUID, _ trace: TraceHeaders, start: Timestamp, end: Timestamp, failure: String?
    ) -> Span? {
        guard let tracer, tracer.isExporting, let reply = trace.context, reply.isSampled else { return nil }
        return {
            tracer.record(
                command, context: Self.context(of: saga, command, in: reply),
                parent: Self.context(of: saga, in: reply).spanID, start: start, end: end,
                attributes: [SpanAttribute("holdfast.order.id", .text("\(saga)"))],
                status: failure.map { .error($0) } ?? .unset)
        }
    }

    /// The span of the saga itself, or of one of its commands (FNV-1a over the name, from what the saga's span is).
    private static func context(of saga: UUID, _ command: String = "", in trace: TraceContext) -> TraceContext {
        let own = (saga.high &* 0x9E37_79B9_7F4A_7C15) ^ saga.low
        let mixed = command.utf8.reduce(own) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
        return TraceContext(
            traceID: trace.traceID, spanID: SpanID(mixed) ?? trace.spanID, isSampled: trace.isSampled,
            state: trace.state)
    }
}
