import Clocks
import Messaging
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import SagaRuntime

@Suite("The spans of a saga")
struct SagaTracingTests {
    private final class Told: Sendable {
        private let state = Mutex<[SpanData]>([])
        var spans: [SpanData] { state.withLock { $0 } }
        func add(_ span: SpanData) { state.withLock { $0.append(span) } }
    }

    private let time = TestTime()
    private let random = SeededRandom(seed: 3)
    private let told = Told()

    private var tracing: SagaTracing {
        SagaTracing(tracer: Tracer(time: time, random: random) { [told] in told.add($0) })
    }

    @Test("a step is told under what its command carried, whatever place in the trace the reply carries")
    func step() throws {
        let saga = UUID.version7(at: time.wallNow, random: random)
        let request = TraceContext(traceID: .random(from: random), spanID: .random(from: random), isSampled: true)
        let command = try #require(tracing.step("pack", of: saga, below: TraceHeaders(request))?.context)
        // Over HTTP what the participant heard carries the call's place, and so does the reply it says over Kafka.
        var call = command
        call.spanID = .random(from: random)
        for reply in [command, call] {
            let now = time.wallNow
            tracing.end("pack", of: saga, TraceHeaders(reply), start: now, end: now, failure: nil)?()
        }
        #expect(told.spans.map(\.context.spanID) == [command.spanID, command.spanID])
        #expect(Set(told.spans.map(\.parent)).count == 1)
        #expect(told.spans.allSatisfy { $0.context.traceID == request.traceID && $0.parent != command.spanID })
    }

    @Test("the saga and each of its commands have spans of their own, and other sagas have others")
    func identifiers() throws {
        let request = TraceContext(traceID: .random(from: random), spanID: .random(from: random), isSampled: true)
        let sagas = (0..<100).map { _ in UUID.version7(at: time.wallNow, random: random) }
        var identifiers: [SpanID] = []
        for saga in sagas {
            for command in ["pack", "unpack", "send"] {
                identifiers.append(
                    try #require(tracing.step(command, of: saga, below: TraceHeaders(request))?.context?.spanID))
            }
            tracing.begin(saga, of: "parcel", TraceHeaders(request), at: time.wallNow)?()
        }
        identifiers += told.spans.map(\.context.spanID)
        #expect(identifiers.count == 400 && Set(identifiers).count == 400)
    }
}
