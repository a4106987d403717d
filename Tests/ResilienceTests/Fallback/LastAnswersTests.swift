import Clocks
import Resilience
import TestSupport
import Testing

struct LastAnswersTests {
    private let time = TestTime()

    @Test("the last answer is given with its age until it is too old, and then not any more")
    func age() throws {
        let answers = LastAnswers<String, Int>(maximumAge: .seconds(10), time: time)
        #expect(answers.answer(for: "a") == nil)
        answers.remember(1, for: "a")
        time.advance(by: .seconds(4))
        answers.remember(2, for: "a")
        time.advance(by: .seconds(10))
        let last = try #require(answers.answer(for: "a"))
        #expect(last.value == 2 && last.age == .seconds(10))
        time.advance(by: .nanoseconds(1))
        #expect(answers.answer(for: "a") == nil)
        #expect(answers.count == 0)
    }

    @Test("no more answers are kept than there is room for, and the one used longest ago goes first")
    func room() {
        let answers = LastAnswers<Int, Int>(capacity: 3, time: time)
        for key in 1...3 { answers.remember(key, for: key) }
        #expect(answers.answer(for: 1)?.value == 1)
        answers.remember(4, for: 4)
        #expect(answers.answer(for: 2) == nil)
        answers.remember(30, for: 3)
        answers.remember(5, for: 5)
        #expect(answers.answer(for: 1) == nil)
        #expect([3, 4, 5].map { answers.answer(for: $0)?.value } == [30, 4, 5])
        answers.forget(3)
        #expect(answers.answer(for: 3) == nil && answers.count == 2)
    }

    @Test("a fallback gives the last answer where the call has none, and says so")
    func fallback() async throws {
        let answers = LastAnswers<String, Int>(time: time)
        answers.remember(7, for: "a")
        let answer = try await Fallback(operation: "read").call { () async throws(ProviderDown) -> Int in
            throw ProviderDown()
        } instead: { _ in
            answers.answer(for: "a")?.value
        }
        #expect(answer.value == 7 && answer.isDegraded)
    }

    @Test("from many threads at once it keeps its bound, and every answer is its key's")
    func threads() async {
        let answers = LastAnswers<Int, Int>(capacity: 16, time: time)
        await withTaskGroup(of: Int.self) { group in
            for worker in 0..<8 {
                group.addTask {
                    var wrong = 0
                    for round in 0..<500 {
                        let key = (round &* 7 &+ worker) % 40
                        answers.remember(key, for: key)
                        if let found = answers.answer(for: key)?.value, found != key { wrong += 1 }
                        if answers.count > 16 { wrong += 1 }
                    }
                    return wrong
                }
            }
            for await wrong in group { #expect(wrong == 0) }
        }
        #expect(answers.count == 16)
    }
}
