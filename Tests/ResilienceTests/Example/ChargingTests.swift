import Clocks
import Resilience
import TestSupport
import Testing

/// The example of the documentation does what the documentation says.
struct ChargingTests {
    private let time = TestTime()
    private let log = EventLog()

    private func charging() throws -> Charging {
        try Charging(time: time, random: SeededRandom(seed: 1), observer: log.observer)
    }

    @Test("the example: what is not available is asked again, not before the time it has named")
    func retries() async throws {
        let charging = try charging()
        async let answer = charging.charge(Self.sending([.unavailable(retryAfter: .seconds(1)), nil]))
        let begin = time.now
        let next = try await time.nextTimerScheduled()
        #expect(begin.duration(to: next) >= .seconds(1))
        time.advance(to: next)
        #expect(await answer == "paid: receipt 2")
        #expect(charging.pipeline.breaker?.snapshot.counts.total(.success) == 1)
    }

    @Test("the example: a charge that is declined is neither repeated nor held against the provider")
    func declined() async throws {
        let charging = try charging()
        #expect(await charging.charge(Self.sending([.declined])) == "declined")
        #expect(charging.pipeline.breaker?.snapshot.counts.total(.failure) == 0)
        #expect(log.events.isEmpty)
    }

    @Test("the example: an open breaker refuses, and the answer says who and why")
    func refused() async throws {
        let charging = try charging()
        charging.pipeline.breaker?.forceOpen()
        let answer = await charging.charge(Self.sending([]))
        #expect(answer == "not tried: circuit breaker payment-provider is forcedOpen")
    }

    @Test("the example: retries end with the attempts, and the last answer is the caller's")
    func givesUp() async throws {
        let charging = try charging()
        let down = ChargeError.unavailable(retryAfter: nil)
        async let answer = charging.charge(Self.sending([down, down, down]))
        for _ in 0..<2 { time.advance(to: try await time.nextTimerScheduled()) }
        #expect(await answer == "tried, without success")
        #expect(log.events.last == .retryStopped(operation: "payment-provider", attempt: 3, .attemptsUsed))
    }

    /// A provider that answers so, one after the other; nil is a receipt.
    private static func sending(_ answers: [ChargeError?]) -> () async throws(ChargeError) -> String {
        var number = 0
        return { () async throws(ChargeError) in
            number += 1
            if let error = answers[number - 1] { throw error }
            return "receipt \(number)"
        }
    }
}
