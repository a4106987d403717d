import LocalStack
import Testing

@Suite("Restart backoff")
struct RestartBackoffTests {
    @Test("the wait is 0.2 s, doubles to 5 s and stays there")
    func doubles() {
        var backoff = RestartBackoff()
        let delays = (0..<8).map { _ in backoff.delay(afterLifeOf: .milliseconds(10)) }
        #expect(delays.map { $0 / .milliseconds(100) } == [2, 4, 8, 16, 32, 50, 50, 50])
    }

    @Test("thirty seconds of life make the next death a first one, a little less does not")
    func healthyLife() {
        var backoff = RestartBackoff()
        for _ in 0..<8 { _ = backoff.delay(afterLifeOf: .zero) }
        #expect(backoff.delay(afterLifeOf: .milliseconds(29_999)) == .seconds(5))
        #expect(backoff.delay(afterLifeOf: .seconds(30)) == .milliseconds(200))
        #expect(backoff.delay(afterLifeOf: .zero) == .milliseconds(400))
    }
}
