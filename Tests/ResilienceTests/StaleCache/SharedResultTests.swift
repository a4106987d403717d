import Clocks
import TestSupport
import Testing

@testable import Resilience

struct SharedResultTests {
    private let time = TestTime()
    private let result = SharedResult<Int>()

    private func waiter(_ timer: DeadlineTimer, _ limit: Duration = .seconds(5)) -> Task<Int, any Error> {
        Task { [result, time] in
            switch await result.value(until: time.now.advanced(by: limit), timer) {
            case .value(let value): return value
            case .expired: throw ProviderDown()
            case .cancelled: throw CancellationError()
            }
        }
    }

    @Test("all who wait get the first value, and so do all who come later")
    func all() async throws {
        let timer = DeadlineTimer(time: time)
        let waiters = (0..<10).map { _ in waiter(timer) }
        try await time.nextTimerScheduled()
        result.resolve(7)
        result.resolve(8)
        for waiter in waiters { #expect(try await waiter.value == 7) }
        #expect(try await waiter(timer, .seconds(-1)).value == 7)
    }

    @Test("who waits too long or is cancelled leaves the others waiting")
    func leaving() async throws {
        let timer = DeadlineTimer(time: time)
        let patient = waiter(timer, .seconds(60))
        try await time.nextTimerScheduled()
        let short = waiter(timer, .seconds(1))
        let end = try await time.nextTimerScheduled()
        let cancelled = waiter(timer, .seconds(60))
        cancelled.cancel()
        await #expect(throws: CancellationError.self) { try await cancelled.value }
        time.advance(to: end)
        await #expect(throws: ProviderDown()) { try await short.value }
        result.resolve(7)
        #expect(try await patient.value == 7)
    }

    @Test("under values, cancellations and ends all at once everybody is told something, once")
    func storm() async {
        let timer = DeadlineTimer(time: SystemTime())
        for _ in 0..<50 {
            let result = SharedResult<Int>()
            let tasks = (0..<20).map { index in
                Task {
                    let limit = Duration.microseconds(index * 20)
                    return await result.value(until: SystemTime().now.advanced(by: limit), timer)
                }
            }
            for task in tasks.prefix(7) { task.cancel() }
            await Task.yield()
            result.resolve(7)
            var told = 0
            for task in tasks {
                _ = await task.value
                told += 1
            }
            #expect(told == 20)
        }
    }
}
