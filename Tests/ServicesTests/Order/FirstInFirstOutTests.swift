import Clocks
import Testing

@testable import OrderService

@Suite("A queue of commands")
struct FirstInFirstOutTests {
    @Test(
        "gives back what came in, in order, without what is stale; as a plain array would",
        arguments: 1...50 as ClosedRange<UInt64>)
    func model(seed: UInt64) {
        let random = SeededRandom(seed: seed)
        var queue = FirstInFirstOut<Int>()
        var model: [Int] = []
        for number in 0..<400 {
            if random.next() % 2 == 0 {
                queue.append(number)
                model.append(number)
            } else {
                let stale = Int(random.next() % 5)
                let expected = model.firstIndex { $0 % 5 != stale }
                #expect(queue.next { $0 % 5 == stale } == expected.map { model[$0] })
                model.removeFirst(expected.map { $0 + 1 } ?? model.count)
            }
            #expect(queue.count == model.count && queue.isEmpty == model.isEmpty)
        }
    }
}
