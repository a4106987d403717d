import Clocks
import Resilience
import Testing

struct DeadlineTests {
    private let now = MonotonicInstant(nanoseconds: 0)

    @Test("a nested deadline only ever shortens")
    func nested() async {
        let outer = Deadline(after: .seconds(10), from: now)
        await withDeadline(outer) {
            #expect(Deadline.current == outer)
            await withDeadline(Deadline(after: .seconds(20), from: now)) { #expect(Deadline.current == outer) }
            let inner = Deadline(after: .seconds(5), from: now)
            await withDeadline(inner) { #expect(Deadline.current == inner) }
            #expect(Deadline.current == outer)
        }
        #expect(Deadline.current == nil)
    }

    @Test("the next service is granted less than remains, and nothing when nothing would be left")
    func allowance() {
        let deadline = Deadline(after: .seconds(2), from: now)
        #expect(deadline.allowance(at: now, reserving: .milliseconds(500)) == .seconds(1.5))
        #expect(deadline.allowance(at: now.advanced(by: .seconds(1.5)), reserving: .milliseconds(500)) == nil)
        #expect(deadline.remaining(at: now.advanced(by: .seconds(3))) == .zero)
        #expect(deadline.hasPassed(at: now.advanced(by: .seconds(2))))
    }

    @Test("child tasks inherit it")
    func inherited() async {
        let deadline = Deadline(after: .seconds(2), from: now)
        await withDeadline(deadline) {
            async let child = Deadline.current
            #expect(await child == deadline)
        }
    }
}
