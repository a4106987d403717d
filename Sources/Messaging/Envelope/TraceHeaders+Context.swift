import Telemetry

extension TraceHeaders {
    /// The headers that carry this context.
    package init(_ context: TraceContext) {
        self.init(traceparent: context.traceparent, tracestate: context.tracestate)
    }

    /// The context they carry; nil when there is none, or none that can be read.
    package var context: TraceContext? {
        traceparent.flatMap { TraceContext(traceparent: $0, tracestate: tracestate) }
    }
}
