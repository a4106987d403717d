import Clocks

/// Starts spans.
package struct Tracer: Sendable {
    private let sampler: TraceSampler
    private let time: any TimeSource
    private let random: any RandomSource
    private let export: (@Sendable (SpanData) -> Void)?

    /// `export` takes each finished span and returns at once, such as ``SpanExporter/add(_:)``; without it spans go
    /// nowhere, and contexts still travel.
    package init(
        sampler: TraceSampler = .always, time: any TimeSource, random: any RandomSource,
        export: (@Sendable (SpanData) -> Void)? = nil
    ) {
        self.sampler = sampler
        self.time = time
        self.random = random
        self.export = export
    }

    /// A tracer whose contexts travel and whose spans go nowhere.
    package static func disabled(time: any TimeSource, random: any RandomSource) -> Tracer {
        Tracer(sampler: .never, time: time, random: random)
    }

    /// Whether finished spans go anywhere; false lets a caller skip what is only for them.
    package var isExporting: Bool { export != nil }

    /// Exports a span that was not kept while it ran, perhaps because it began in another process; nothing where its trace
    /// is not sampled.
    package func record(
        _ name: String, kind: SpanKind = .internal, context: TraceContext, parent: SpanID?, start: Timestamp,
        end: Timestamp, attributes: @autoclosure () -> [SpanAttribute] = [], status: SpanStatus = .unset
    ) {
        guard context.isSampled, let export else { return }
        export(
            SpanData(
                name: name, kind: kind, context: context, parent: parent, start: start, end: max(start, end),
                attributes: attributes(), links: [], status: status))
    }

    /// Starts a span below `parent`, or as the root of a new trace when there is none.
    ///
    /// A child is sampled as its parent is; a root by the tracer's sampler.
    package func start(
        _ name: String, kind: SpanKind = .internal, parent: TraceContext? = TraceContext.current,
        links: [TraceContext] = [], attributes: @autoclosure () -> [SpanAttribute] = []
    ) -> Span {
        let traceID = parent?.traceID ?? .random(from: random)
        let context = TraceContext(
            traceID: traceID, spanID: .random(from: random),
            isSampled: parent?.isSampled ?? sampler.samples(traceID), state: parent?.state)
        guard context.isSampled, let export else { return Span(context: context, recording: nil) }
        let now = time.wallNow
        let data = SpanData(
            name: name, kind: kind, context: context, parent: parent?.spanID, start: now, end: now,
            attributes: attributes(), links: links, status: .unset)
        return Span(context: context, recording: SpanRecording(data, time: time, export: export))
    }

    /// Runs `body` in a span that is the task's current context; an error ends the span as failed and is passed on.
    package func withSpan<Value, Failure: Error>(
        _ name: String, kind: SpanKind = .internal, parent: TraceContext? = TraceContext.current,
        links: [TraceContext] = [], attributes: @autoclosure () -> [SpanAttribute] = [],
        isolation: isolated (any Actor)? = #isolation,
        _ body: (Span) async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let span = start(name, kind: kind, parent: parent, links: links, attributes: attributes())
        let result: Result<Value, Failure> = await TraceContext.$current.withValue(span.context) {
            do throws(Failure) {
                return .success(try await body(span))
            } catch {
                return .failure(error)
            }
        }
        switch result {
        case .success(let value):
            span.end()
            return value
        case .failure(let error):
            if span.isRecording { span.end(.error(String(describing: error))) }
            throw error
        }
    }
}

/// Decides for the root of a trace whether its spans are recorded.
package struct TraceSampler: Hashable, Sendable {
    private let threshold: UInt64

    /// Samples that share of traces, from 0 to 1.
    ///
    /// The decision is a function of the trace's identifier, so that all who ask the same question agree.
    package init(ratio: Double) {
        let clamped = min(max(ratio, 0), 1)
        threshold = clamped >= 1 ? .max : UInt64(clamped * 0x1p56)
    }

    package static let always = TraceSampler(ratio: 1)
    package static let never = TraceSampler(ratio: 0)

    func samples(_ traceID: TraceID) -> Bool {
        traceID.low & 0x00FF_FFFF_FFFF_FFFF < threshold
    }
}
