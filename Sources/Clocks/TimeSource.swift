#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Where time comes from: the system in a service, a hand-moved clock in a test.
///
/// Code that decides takes `now` as a parameter; only shells hold a time source.
public protocol TimeSource: Sendable {
    /// The monotonic clock, for deadlines and durations.
    var now: MonotonicInstant { get }

    /// A reading of ``now`` that may be some milliseconds old, at a fraction of the cost. Never ahead of it.
    var roughNow: MonotonicInstant { get }

    /// The wall clock, for what is stored, logged or sent.
    var wallNow: Timestamp { get }

    /// Returns once ``now`` has reached `deadline`.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    func sleep(until deadline: MonotonicInstant) async throws
}

extension TimeSource {
    /// The exact time, where there is nothing cheaper.
    public var roughNow: MonotonicInstant { now }

    /// Returns once `duration` has passed.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    public func sleep(for duration: Duration) async throws {
        try await sleep(until: now.advanced(by: duration))
    }
}

/// The machine's own clocks.
public struct SystemTime: TimeSource {
    /// Creates the machine's time source.
    public init() {}

    /// `CLOCK_MONOTONIC`.
    public var now: MonotonicInstant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return MonotonicInstant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// `CLOCK_MONOTONIC_COARSE`: the time of the kernel's last tick, 1 to 10 ms ago on a machine that is not stalled.
    public var roughNow: MonotonicInstant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
        return MonotonicInstant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// `CLOCK_REALTIME`.
    public var wallNow: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }

    /// Sleeps on the runtime's timer; typically late by a fraction of a millisecond.
    public func sleep(until deadline: MonotonicInstant) async throws {
        let remaining = now.duration(to: deadline)
        guard remaining > .zero else { return try Task.checkCancellation() }
        try await Task.sleep(for: remaining)
    }
}
