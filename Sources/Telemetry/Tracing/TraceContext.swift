/// The place in a trace that travels with a request or a message (W3C Trace Context).
package struct TraceContext: Hashable, Sendable {
    package var traceID: TraceID
    /// The span that is the parent of whatever is started from here.
    package var spanID: SpanID
    /// Whether the spans of this trace are recorded.
    package var isSampled: Bool
    /// What other tracing systems want to have passed on, unread; nil when there is none.
    package var state: String?

    package init(traceID: TraceID, spanID: SpanID, isSampled: Bool, state: String? = nil) {
        self.traceID = traceID
        self.spanID = spanID
        self.isSampled = isSampled
        self.state = state
    }

    /// The context of the running task; set by ``Tracer/withSpan(_:kind:parent:links:attributes:_:)`` or by hand with
    /// `TraceContext.$current.withValue`.
    @TaskLocal package static var current: TraceContext?
}
