import Clocks
import Synchronization
import Telemetry
import TestSupport
import Testing

@Suite("Spans, and how they leave", .timeLimit(.minutes(1)))
struct TracingTests {
    private let time = TestTime()
    private let random = SeededRandom(seed: 5)

    /// What a collector was sent, and whether it takes it.
    private final class Collector: Sendable {
        struct Refused: Error {}
        private let state = Mutex((documents: [[UInt8]](), isAway: false))

        var documents: [[UInt8]] { state.withLock { $0.documents } }
        func goAway() { state.withLock { $0.isAway = true } }
        func spans() throws -> [ExportedSpan] { try documents.flatMap { try ExportedSpans.read($0) } }

        @Sendable func take(_ document: [UInt8]) async throws {
            try state.withLock { state in
                if state.isAway { throw Refused() }
                state.documents.append(document)
            }
        }
    }

    private func tracer(_ exporter: SpanExporter, _ sampler: TraceSampler = .always) -> Tracer {
        Tracer(sampler: sampler, time: time, random: random) { exporter.add($0) }
    }

    private func waitUntil(_ condition: () -> Bool) async {
        while !condition() { await Task.yield() }
    }

    @Test("what is sent is what a collector reads: the tree, the times, attributes of every kind, links and failures")
    func document() async throws {
        let (exporter, collector) = (SpanExporter(service: "a-service", time: time), Collector())
        let tracer = tracer(exporter)
        let other = tracer.start("other", parent: nil).context
        let outer = tracer.start("outer \"quoted\"", kind: .server, parent: nil, links: [other])
        outer.set("text", "a\nb")
        outer.set("integer", .integer(.max))
        outer.set("number", 0.5)
        outer.set("boolean", true)
        time.advance(by: .milliseconds(3))
        await #expect(throws: CancellationError.self) {
            try await tracer.withSpan("inner", kind: .client, parent: outer.context) { _ in
                time.advance(by: .milliseconds(2))
                throw CancellationError()
            }
        }
        outer.end()
        outer.end(.error("ignored: it has ended"))
        exporter.stop()
        await exporter.run(sending: collector.take)

        let spans = try collector.spans()
        #expect(spans.map(\.name) == ["inner", "outer \"quoted\""])
        let (inner, whole) = (spans[0], spans[1])
        #expect(inner.parentID == whole.spanID && whole.parentID.isEmpty && inner.traceID == whole.traceID)
        #expect(inner.end - inner.start == 2_000_000 && whole.end - whole.start == 5_000_000)
        #expect(inner.kind == 3 && whole.kind == 2 && inner.status == 2 && whole.status == 0)
        #expect(
            whole.attributes == [
                "text": "a\nb", "integer": "9223372036854775807", "number": "0.5", "boolean": "true",
            ])
        #expect(whole.links == ["\(other.spanID)"] && whole.service == "a-service")
        #expect(exporter.statistics == .init(delivered: 2, dropped: 0, lost: 0))
    }

    @Test("a span that ended in another process is told under its own identifier, unless its trace is not sampled")
    func recorded() async throws {
        let (exporter, collector) = (SpanExporter(service: "a", time: time), Collector())
        let tracer = tracer(exporter)
        let root = tracer.start("root", parent: nil)
        var child = root.context
        child.spanID = .random(from: random)
        tracer.record(
            "step", context: child, parent: root.context.spanID, start: time.wallNow.advanced(by: .seconds(-1)),
            end: time.wallNow)
        child.isSampled = false
        tracer.record("untold", context: child, parent: nil, start: time.wallNow, end: time.wallNow)
        exporter.stop()
        await exporter.run(sending: collector.take)
        let spans = try collector.spans()
        #expect(spans.map(\.name) == ["step"])
        #expect(spans.first?.spanID == "\(child.spanID)" && spans.first?.parentID == "\(root.context.spanID)")
    }

    @Test("a share of traces is sampled, a child as its parent, and without an exporter none records")
    func sampling() {
        let exporter = SpanExporter(service: "a", time: time)
        let tracer = tracer(exporter, TraceSampler(ratio: 0.25))
        let roots = (0..<4000).map { _ in tracer.start("root", parent: nil) }
        let sampled = roots.count { $0.context.isSampled }
        #expect((900...1100).contains(sampled))
        for root in roots.prefix(100) {
            #expect(tracer.start("child", parent: root.context).isRecording == root.context.isSampled)
        }
        let disabled = Tracer.disabled(time: time, random: random)
        let parent = roots.first { $0.context.isSampled }?.context
        let span = disabled.start("child", parent: parent)
        #expect(!disabled.isExporting && !span.isRecording && span.context.isSampled)
        #expect(span.context.traceID == parent?.traceID)
    }

    @Test("a full queue drops and counts, and nobody who ends a span waits")
    func bounded() async throws {
        let exporter = SpanExporter(service: "a", queue: SpanQueue(capacity: 4, batchSize: 2), time: time)
        let tracer = tracer(exporter)
        for _ in 0..<7 { tracer.start("span", parent: nil).end() }
        #expect(exporter.statistics == .init(delivered: 0, dropped: 3, lost: 0))
        let collector = Collector()
        exporter.stop()
        await exporter.run(sending: collector.take)
        #expect(try collector.documents.map { try ExportedSpans.read($0).count } == [2, 2])
        #expect(exporter.statistics == .init(delivered: 4, dropped: 3, lost: 0))
    }

    @Test("spans leave after the interval, or at once when a batch is full; what is not taken is lost and counted")
    func rhythm() async throws {
        let exporter = SpanExporter(
            service: "a", queue: SpanQueue(capacity: 8, batchSize: 2), interval: .seconds(1), time: time)
        let (tracer, collector) = (tracer(exporter), Collector())
        async let running: Void = exporter.run(sending: collector.take)
        _ = try await time.nextTimerScheduled()
        tracer.start("one", parent: nil).end()
        #expect(collector.documents.isEmpty)
        time.advance(by: .seconds(1))
        await waitUntil { exporter.statistics.delivered == 1 }
        for _ in 0..<2 { tracer.start("full", parent: nil).end() }
        await waitUntil { exporter.statistics.delivered == 3 }
        collector.goAway()
        for _ in 0..<2 { tracer.start("lost", parent: nil).end() }
        await waitUntil { exporter.statistics.lost == 2 }
        tracer.start("left", parent: nil).end()
        exporter.stop()
        await running
        #expect(exporter.statistics == .init(delivered: 3, dropped: 0, lost: 3))
    }
}
