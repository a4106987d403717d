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

    /// What an operation was seen to cost: medians over the rounds, and the quartiles of the times.
    struct Cost {
        var nanoseconds: Double
        var quartiles: (Double, Double)
        var allocations: Double
    }

    /// What the rounds so far have shown.
    struct Rounds {
        /// Operations a round.
        let count: Int
        private var times: [Double] = []
        private var allocations: [Double] = []

        init(count: Int) { self.count = count }

        mutating func add(nanoseconds: Double, allocations made: Double) {
            times.append(nanoseconds)
            allocations.append(made)
        }

        var cost: Cost {
            let times = times.sorted()
            return Cost(
                nanoseconds: times[times.count / 2], quartiles: (times[times.count / 4], times[times.count * 3 / 4]),
                allocations: allocations.sorted()[allocations.count / 2])
        }
    }

    /// Warms up, and finds out how many operations last about `milliseconds`.
    func begin(milliseconds: Int) -> Rounds {
        var count = 1
        while duration(of: count) < Double(milliseconds) * 1e6, count < 1 << 30 { count *= 2 }
        return Rounds(count: count)
    }

    /// One round.
    func run(into rounds: inout Rounds) {
        let before = allocation_count()
        let nanoseconds = duration(of: rounds.count)
        let made = Double(allocation_count() - before)
        rounds.add(
            nanoseconds: nanoseconds / Double(rounds.count), allocations: made / Double(rounds.count))
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
