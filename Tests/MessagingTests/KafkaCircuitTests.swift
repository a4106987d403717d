import Clocks
import Kafka
import Resilience
import TestSupport
import Testing

@testable import Messaging

@Suite("The brokers' circuit")
struct KafkaCircuitTests {
    private typealias Answer = Result<Int, KafkaError>

    private let clock = TestTime()

    private func circuit(consecutiveFailures: Int = 2) -> KafkaCircuit {
        var configuration = CircuitBreakerConfiguration()
        configuration.consecutiveFailures = consecutiveFailures
        configuration.openTime = .exponential(base: .seconds(1), cap: .seconds(1), jitter: 0)
        configuration.permittedProbes = 1
        configuration.probeSuccessRatio = 1
        return KafkaCircuit(
            CircuitBreaker(name: "kafka", configuration: configuration, time: clock, random: SeededRandom(seed: 1)),
            time: clock)
    }

    private static let timedOut = KafkaError(
        code: -192, name: "_MSG_TIMED_OUT", detail: "timed out", isRetriable: true)
    private static let tooLarge = KafkaError(
        code: 10, name: "MSG_SIZE_TOO_LARGE", detail: "too large", isRetriable: false)
    private static var lateAnswer: KafkaError {
        var error = KafkaError.deadlineExceeded
        error.mayBeWritten = true
        return error
    }

    @Test(
        "judges a batch by whether the brokers took any of it",
        arguments: [
            ([.success(1)], CallOutcome.success),
            ([.failure(timedOut), .success(1)], .success),
            ([.failure(timedOut)], .failure),
            ([.failure(tooLarge), .failure(timedOut)], .failure),
            ([.failure(lateAnswer)], .failure),
            // Never handed over: the client's queue was full.
            ([.failure(.deadlineExceeded)], .neutral),
            ([.failure(.notTaken)], .neutral),
            ([.failure(.cancelled), .failure(.closed)], .neutral),
            ([.failure(tooLarge)], .neutral),
        ] as [([Result<Int, KafkaError>], CallOutcome)])
    func outcomes(results: [Result<Int, KafkaError>], expected: CallOutcome) {
        #expect(KafkaCircuit.outcome(results) == expected)
    }

    @Test("opens after failed deliveries, and then nothing is handed over until a look has closed it")
    func opens() async {
        let circuit = circuit()
        #expect(circuit.pause == nil)
        for _ in 0..<2 { _ = await circuit.deliver(by: .distantFuture) { [Answer.failure(Self.timedOut)] } }
        #expect(circuit.pause == .seconds(1))
        let refused = await circuit.deliver(by: .distantFuture) { () -> [Answer] in
            Issue.record("handed over although the circuit is open")
            return []
        }
        guard case .rejected(.circuitOpen("kafka", .open, .seconds(1))) = refused else {
            Issue.record("\(refused)")
            return
        }
        #expect(await circuit.look { true } == nil, "looked before the open time was over")
        clock.advance(by: .seconds(1))
        // The open time is over, but the probe is a look: a batch would wait for its delivery timeout.
        let early = await circuit.deliver(by: .distantFuture) { [Answer.success(1)] }
        #expect((try? early.get()) == nil)
        #expect(await circuit.look { true } == true)
        #expect(circuit.breaker.state == .closed)
        let late = try? await circuit.deliver(by: .distantFuture) { [Answer.success(1)] }.get()
        #expect(late?.count == 1)
    }

    @Test("stays open when the look fails")
    func failedProbe() async {
        let circuit = circuit(consecutiveFailures: 1)
        #expect(await circuit.look { false } == false)
        clock.advance(by: .seconds(1))
        #expect(await circuit.look { false } == false)
        #expect(circuit.breaker.state == .open)
    }

    @Test("opens although every look succeeds between the deliveries that fail")
    func looksDoNotOutweigh() async {
        let circuit = circuit()
        for _ in 0..<2 {
            #expect(await circuit.look { true } == true)
            _ = await circuit.deliver(by: .distantFuture) { [Answer.failure(Self.timedOut)] }
        }
        #expect(circuit.breaker.state == .open)
    }

    @Test("hands over only so many batches at a time, lets some wait in line, and refuses the others untouched")
    func bulkhead() async throws {
        var batches = Bulkhead.Configuration()
        (batches.limit, batches.queueLimit, batches.maximumWait) = (1, 1, .seconds(1))
        let (refusals, refuse) = AsyncStream.makeStream(of: ResilienceEvent.self)
        let circuit = KafkaCircuit(
            CircuitBreaker(name: "kafka", time: clock, random: SeededRandom(seed: 1)), batches: batches, time: clock,
            observer: { refuse.yield($0) })
        let (began, isSending) = AsyncStream.makeStream(of: Void.self)
        let (answered, answer) = AsyncStream.makeStream(of: Void.self)
        let first = Task {
            await circuit.deliver(by: .distantFuture) { () -> [Answer] in
                isSending.yield()
                for await _ in answered { break }
                return [.success(1)]
            }
        }
        for await _ in began { break }
        let second = Task { await circuit.deliver(by: .distantFuture) { [Answer.success(2)] } }
        while circuit.bulkhead.snapshot.waiting == 0 { await Task.yield() }
        let third = await circuit.deliver(by: .distantFuture) { () -> [Answer] in
            Issue.record("handed over although all places are taken")
            return []
        }
        guard case .rejected(let full) = third else {
            Issue.record("\(third)")
            return
        }
        #expect(full == .bulkheadFull(bulkhead: "kafka", limit: 1, queueLimit: 1))
        for await told in refusals {
            #expect(told == .rejected(full))
            break
        }
        answer.yield()
        #expect(try await first.value.get().count == 1)
        #expect(try await second.value.get().count == 1)
        let late = Task { await circuit.deliver(by: clock.now) { [Answer.success(3)] } }
        #expect(try await late.value.get().count == 1, "a free place needs no wait")
        #expect(circuit.bulkhead.snapshot.inUse == 0)
    }

    @Test("an operator's wish holds for deliveries and looks alike")
    func forced() async {
        let circuit = circuit()
        circuit.breaker.forceOpen()
        #expect(circuit.pause != nil)
        #expect(await circuit.look { true } == nil)
        circuit.breaker.disable()
        #expect(circuit.pause == nil)
    }
}
