import Resilience
import Testing

struct FallbackTests {
    private let log = EventLog()
    private let refusal = Rejection.bulkheadFull(bulkhead: "b", limit: 1, queueLimit: 0)

    private var fallback: Fallback { Fallback(operation: "quote", observer: log.observer) }

    @Test("a call that has an answer keeps it, and the other one is not even asked for")
    func own() async {
        let answer = await fallback.call {
            () async throws(Never) in
            7
        } instead: { _ in
            Issue.record("asked")
            return 0
        }
        #expect(answer.value == 7 && !answer.isDegraded)
        #expect(log.events.isEmpty)
    }

    @Test("a failure and a refusal are answered in another way, which the answer and an event say")
    func instead() async throws {
        let failed = try await fallback.call {
            () async throws(ProviderDown) -> Int in
            throw ProviderDown()
        } instead: { _ in
            1
        }
        #expect(failed.value == 1 && failed.isDegraded)
        guard case .failed(let error) = failed.reason else { return #expect(Bool(false)) }
        #expect(error is ProviderDown)

        let refused: Guarded<FallbackAnswer<Int>, ProviderDown> = await fallback.guarded {
            .rejected(refusal)
        } instead: { _ in
            2
        }
        #expect(try refused.get().value == 2)
        #expect(
            log.events == [
                .fallbackUsed(operation: "quote", reason: "ProviderDown()"),
                .fallbackUsed(operation: "quote", reason: refusal.description),
            ])
    }

    @Test("a refusal that was thrown is a refusal too, and a guarded failure a failure")
    func kinds() async throws {
        let thrown = try await fallback.call { () async throws -> Int in
            throw refusal
        } instead: { _ in
            1
        }
        guard case .rejected(refusal) = thrown.reason else { return #expect(Bool(false)) }
        let guarded: Guarded<FallbackAnswer<Int>, ProviderDown> = await fallback.guarded {
            .failure(ProviderDown())
        } instead: { _ in
            1
        }
        guard case .failed = try guarded.get().reason else { return #expect(Bool(false)) }
    }

    @Test("where there is no other answer, what the call came to stands")
    func none() async {
        await #expect(throws: ProviderDown()) {
            try await fallback.call { () async throws(ProviderDown) -> Int in
                throw ProviderDown()
            } instead: { _ in
                nil
            }
        }
        let refused: Guarded<FallbackAnswer<Int>, Never> = await fallback.guarded {
            .rejected(refusal)
        } instead: { _ in
            nil
        }
        guard case .rejected(refusal) = refused else { return #expect(Bool(false)) }
        #expect(log.events.isEmpty)
    }

    @Test("a caller that gave up gets no other answer")
    func gaveUp() async {
        let instead: (FallbackReason) async -> Int? = { _ in
            Issue.record("asked")
            return 0
        }
        await #expect(throws: CancellationError.self) {
            try await fallback.call({ () async throws -> Int in throw CancellationError() }, instead: instead)
        }
        let rejection = Rejection.cancelled(bulkhead: "b")
        let refused: Guarded<FallbackAnswer<Int>, Never> = await fallback.guarded(
            { .rejected(rejection) }, instead: instead)
        guard case .rejected(rejection) = refused else { return #expect(Bool(false)) }
    }
}
