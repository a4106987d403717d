import Clocks
import Synchronization

/// A running piece of work within a trace; ended once.
///
/// A span that is not sampled has a context, so that its trace travels on, and records nothing.
package struct Span: Sendable {
    package let context: TraceContext
    private let recording: SpanRecording?

    init(context: TraceContext, recording: SpanRecording?) {
        self.context = context
        self.recording = recording
    }

    /// Whether attributes are kept; false lets a caller skip computing them.
    package var isRecording: Bool { recording != nil }

    /// Adds the attribute, or replaces the one of that key; ignored once the span has ended and beyond 64 attributes.
    package func set(_ key: String, _ value: @autoclosure () -> SpanAttribute.Value) {
        guard let recording else { return }
        recording.set(SpanAttribute(key, value()))
    }

    /// Ends the span and hands it to the exporter; a second end is ignored.
    package func end(_ status: SpanStatus = .unset) {
        recording?.end(status)
    }
}

final class SpanRecording: Sendable {
    private let state: Mutex<SpanData?>
    private let started: MonotonicInstant
    private let time: any TimeSource
    private let export: @Sendable (SpanData) -> Void

    static let attributeLimit = 64

    init(_ data: SpanData, time: any TimeSource, export: @escaping @Sendable (SpanData) -> Void) {
        state = Mutex(data)
        started = time.now
        self.time = time
        self.export = export
    }

    func set(_ attribute: SpanAttribute) {
        state.withLock { data in
            if let position = data?.attributes.firstIndex(where: { $0.key == attribute.key }) {
                data?.attributes[position] = attribute
            } else if let count = data?.attributes.count, count < Self.attributeLimit {
                data?.attributes.append(attribute)
            }
        }
    }

    func end(_ status: SpanStatus) {
        // The length comes from the monotonic clock: a step of the wall clock must not bend it.
        let length = started.duration(to: time.now)
        guard var data = state.withLock({ $0.take() }) else { return }
        data.end = data.start.advanced(by: length)
        data.status = status
        export(data)
    }
}
