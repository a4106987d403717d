import AllocationCounter
import Clocks

/// One thing whose cost per operation is watched, with the most it may cost.
struct Part {
    let name: String
    /// The most nanoseconds an operation may take on a quiet machine.
    let maximumNanoseconds: Double
    /// The most heap allocations an operation may make; exact on any machine.
    let maximumAllocations: Double
    /// Performs the operation so many times.
    let run: (Int) -> Void

    init(_ name: String, nanoseconds: Double, allocations: Double, run: @escaping (Int) -> Void) {
        self.name = name
        maximumNanoseconds = nanoseconds
        maximumAllocations = allocations
        self.run = run
    }

    /// What an operation was seen to cost.
    struct Cost {
        var nanoseconds: Double
        var allocations: Double
    }

    /// The medians of `rounds` rounds that last about `milliseconds` each, after one that warms up.
    func measure(rounds: Int, milliseconds: Int) -> Cost {
        var count = 1
        while duration(of: count) < Double(milliseconds) * 1e6, count < 1 << 30 { count *= 2 }
        var times: [Double] = []
        var allocations: [Double] = []
        for _ in 0..<rounds {
            let before = allocation_count()
            times.append(duration(of: count) / Double(count))
            allocations.append(Double(allocation_count() - before) / Double(count))
        }
        return Cost(nanoseconds: times.sorted()[rounds / 2], allocations: allocations.sorted()[rounds / 2])
    }

    private func duration(of count: Int) -> Double {
        let time = SystemTime()
        let start = time.now
        run(count)
        return Double(start.duration(to: time.now).wholeNanoseconds)
    }
}

/// Keeps the optimiser from dropping what computes `value`.
@inline(never)
@_optimize(none)
func consume<Value>(_ value: borrowing Value) {}
