/// A repeatable sequence of random values (SplitMix64), without the lock of `SeededRandom`: a world has one thread.
struct Randomness {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    /// A sequence of its own for each part of a world, so that leaving one part out changes the others little.
    init(seed: UInt64, stream: Int) {
        var first = Randomness(seed: seed &+ UInt64(stream) &* 0xD1B5_4A32_D192_ED03)
        state = first.next()
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// Uniform in `0..<1`.
    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    mutating func chance(_ probability: Double) -> Bool { probability > 0 && unit() < probability }

    mutating func below(_ count: Int) -> Int { Int(next() % UInt64(count)) }

    mutating func within(_ range: ClosedRange<Int64>) -> Int64 {
        range.lowerBound + Int64(next() % UInt64(range.upperBound - range.lowerBound + 1))
    }

    /// Small values much more often than large ones, as waits are.
    mutating func skewed(_ range: ClosedRange<Int64>) -> Int64 {
        let power = unit() * unit() * unit()
        return range.lowerBound + Int64(Double(range.upperBound - range.lowerBound) * power)
    }

    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }
}

/// Virtual time: microseconds since the world began.
typealias Instant = Int64

extension Int64 {
    static func milliseconds(_ count: Int64) -> Int64 { count * 1000 }
    static func seconds(_ count: Int64) -> Int64 { count * 1_000_000 }

    /// As a history shows it, in seconds.
    var asSeconds: String {
        let milliseconds = String(self / 1000 % 1000)
        return "\(self / 1_000_000)." + String(repeating: "0", count: 3 - milliseconds.count) + milliseconds
    }
}
