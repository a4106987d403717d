/// Where randomness comes from: the system in a service, a seed in a test.
public protocol RandomSource: Sendable {
    /// 64 uniformly distributed bits.
    func next() -> UInt64
}

extension RandomSource {
    /// A uniformly distributed value in `0..<1`, with 53 random bits.
    public func nextUnit() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// A uniformly distributed duration in `0...limit`; zero for a limit that is not positive.
    public func nextDuration(upTo limit: Duration) -> Duration {
        guard limit > .zero else { return .zero }
        return .nanoseconds(Int64(nextUnit() * Double(limit.wholeNanoseconds)))
    }
}

/// The operating system's generator.
public struct SystemRandom: RandomSource {
    /// Creates a handle on the system's generator.
    public init() {}

    /// 64 bits of the system's generator.
    public func next() -> UInt64 {
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }
}

/// A repeatable generator: the same seed gives the same sequence (SplitMix64, Steele, Lea and Flood 2014).
public final class SeededRandom: RandomSource {
    private let state: Lock<UInt64>

    /// Creates a generator that starts from `seed`.
    public init(seed: UInt64) {
        state = Lock(seed)
    }

    /// The next 64 bits of the sequence.
    public func next() -> UInt64 {
        state.withLock { state in
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }
}
