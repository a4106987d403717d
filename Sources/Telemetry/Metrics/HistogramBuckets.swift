/// The upper bounds of a histogram's buckets, each inclusive, rising; at most 31.
package struct HistogramBuckets: Sendable, Equatable {
    package let bounds: [Double]
    /// The bounds as they stand in the text form, written once.
    let boundTexts: [String]

    package init(_ bounds: [Double]) {
        precondition(!bounds.isEmpty && bounds.count <= 31, "a histogram has 1 to 31 bounds")
        precondition(bounds.allSatisfy(\.isFinite), "the bound +Inf is added by itself")
        precondition(zip(bounds, bounds.dropFirst()).allSatisfy(<), "bounds rise")
        self.bounds = bounds
        boundTexts = bounds.map(MetricsText.number)
    }

    /// For calls and requests: 1 ms to 30 s.
    package static let seconds = HistogramBuckets([
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
    ])

    /// For what takes from tenths of a second to minutes, such as a saga with its retries.
    package static let longSeconds = HistogramBuckets([
        0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900,
    ])

    /// For sizes of batches: powers of two up to 1024.
    package static let counts = HistogramBuckets([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024])

    /// The first bucket whose bound is not below the value; one past the last for a value above all.
    func index(of value: Double) -> Int {
        var low = 0
        var high = bounds.count
        while low < high {
            let middle = (low + high) / 2
            if bounds[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
