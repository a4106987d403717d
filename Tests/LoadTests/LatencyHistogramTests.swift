import Clocks
import Testing

@testable import Load

@Suite("Latency histogram")
struct LatencyHistogramTests {
    @Test("every quantile is within a hundredth of the sorted values' own", arguments: 1...20)
    func againstSorting(seed: UInt64) {
        let random = SeededRandom(seed: seed)
        var histogram = LatencyHistogram()
        var values: [Int64] = []
        for _ in 0..<2000 {
            let value = Int64(random.next() % (1 << (random.next() % 36)))
            values.append(value)
            histogram.record(.microseconds(value))
        }
        values.sort()
        for share in [0.0, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1] {
            let rank = max(1, Int((share * Double(values.count)).rounded(.up)))
            let exact = Double(values[rank - 1])
            let measured = (histogram.quantile(share) / .microseconds(1)).rounded()
            #expect(measured >= exact && measured <= exact * 1.01 + 1, "at \(share)")
        }
        #expect(histogram.quantile(1) == .microseconds(values.last!))
    }

    @Test("two merged are one that has seen both")
    func merge() {
        var (first, second, both) = (LatencyHistogram(), LatencyHistogram(), LatencyHistogram())
        for value in 0..<1000 {
            first.record(.microseconds(value))
            second.record(.milliseconds(value))
            both.record(.microseconds(value))
            both.record(.milliseconds(value))
        }
        first.merge(second)
        #expect(first == both)
    }

    @Test("nothing recorded is zero, and a negative duration counts as zero")
    func edges() {
        var histogram = LatencyHistogram()
        #expect(histogram.quantile(0.5) == .zero && histogram.mean == .zero)
        histogram.record(.milliseconds(-3))
        #expect(histogram.count == 1 && histogram.quantile(1) == .zero)
    }
}
