import Clocks

/// One direction of one connection: how many of the bytes that came in may go out when.
///
/// It knows counts and not the bytes, which its shell keeps in the same order. Bytes come in (``arrive(_:at:random:)``)
/// as long as there is ``room``, are due after the latency, and go out (``sent(_:at:)``) at the bandwidth. The lane ends
/// once: by its source's end, by a fault that half-closes it, or by a cut, which ends the whole connection.
struct Lane {
    /// What the shell is to do now. It asks again after doing it, and when bytes, an end or a change of faults arrive.
    enum Step: Hashable {
        /// Nothing until something arrives or changes.
        case idle
        /// Nothing before that instant.
        case wait(until: MonotonicInstant)
        /// Pass on at most so many bytes, at least one, then say ``Lane/sent(_:at:)``.
        case send(Int)
        /// Tell the receiver that this direction has ended, then say ``Lane/finish()``.
        case finish
        /// End the connection, both ways.
        case cut(LaneFaults.Cut)
    }

    /// How the source ended this direction.
    enum End: Hashable {
        case orderly
        /// It reset the connection, or is gone.
        case reset
    }

    private struct Segment {
        var bytes: Int
        var due: MonotonicInstant
    }

    /// How many bytes wait at most, as in a window of TCP: a sender beyond that is held up.
    static let capacity = 256 * 1024
    /// With a bandwidth, what goes out at once is a fiftieth of a second's worth.
    private static let slicesPerSecond = 50

    private(set) var faults: LaneFaults
    /// The sum of `segments`, at most ``capacity``.
    private(set) var queued = 0
    private(set) var isFinished = false
    /// In the order of arrival; their due times never fall.
    private var segments: [Segment] = []
    private var lastDue = MonotonicInstant(nanoseconds: .min)
    /// When the bandwidth lets the next byte out.
    private var paced = MonotonicInstant(nanoseconds: .min)
    private var end: (kind: End, due: MonotonicInstant)?
    /// Bytes that may still arrive before the cut; nil without one.
    private var untilCut: Int?
    /// The cut that follows what is queued: bytes behind it were dropped, so no healing takes it back.
    private var pendingCut: LaneFaults.Cut?
    /// Ended by a fault: what arrives is dropped.
    private var isHalfClosed: Bool

    init(_ faults: LaneFaults) {
        self.faults = faults
        untilCut = faults.cutAfterBytes
        isHalfClosed = faults.isHalfClosed
    }

    /// How many bytes may arrive now.
    var room: Int {
        if isHalfClosed || pendingCut != nil { return Self.capacity }
        return end == nil ? Self.capacity - queued : 0
    }

    /// Takes up other faults. Less latency and more bandwidth count for what waits already.
    mutating func change(to faults: LaneFaults, at now: MonotonicInstant) {
        guard faults != self.faults else { return }
        self.faults = faults
        untilCut = faults.cutAfterBytes
        if faults.isHalfClosed { isHalfClosed = true }
        let latest = now.advanced(by: .milliseconds(faults.latencyMilliseconds))
        for index in segments.indices { segments[index].due = min(segments[index].due, latest) }
        lastDue = min(lastDue, latest)
        if let end { self.end = (end.kind, min(end.due, latest)) }
        paced = min(paced, now)
    }

    /// Bytes came from the source, at most ``room``.
    ///
    /// - Returns: how many of them, from the first, are to be kept; the others are dropped.
    mutating func arrive(_ count: Int, at now: MonotonicInstant, random: some RandomSource) -> Int {
        guard !isHalfClosed, pendingCut == nil else { return 0 }
        var kept = count
        if let limit = untilCut {
            kept = min(count, limit)
            untilCut = limit - kept
            if count > limit || limit == kept { pendingCut = faults.cutWith }
        }
        guard kept > 0 else { return 0 }
        lastDue = due(at: now, random: random)
        queued += kept
        segments.append(Segment(bytes: kept, due: lastDue))
        return kept
    }

    /// The source has ended this direction; nothing arrives any more.
    mutating func end(_ kind: End, at now: MonotonicInstant, random: some RandomSource) {
        guard end == nil else { return }
        end = (kind, due(at: now, random: random))
    }

    func step(at now: MonotonicInstant) -> Step {
        if faults.isReset { return .cut(.reset) }
        if faults.isBlackHole { return .idle }
        if let first = segments.first {
            let ready = max(first.due, faults.bytesPerSecond > 0 ? paced : first.due)
            return ready > now ? .wait(until: ready) : .send(sendable(at: now))
        }
        if let pendingCut { return .cut(pendingCut) }
        if isFinished { return .idle }
        if isHalfClosed { return .finish }
        guard let end else { return .idle }
        if end.due > now { return .wait(until: end.due) }
        return end.kind == .orderly ? .finish : .cut(.reset)
    }

    /// So many bytes went out.
    mutating func sent(_ count: Int, at now: MonotonicInstant) {
        queued -= count
        var rest = count
        var whole = 0
        while rest > 0, whole < segments.count {
            if segments[whole].bytes > rest {
                segments[whole].bytes -= rest
                rest = 0
            } else {
                rest -= segments[whole].bytes
                whole += 1
            }
        }
        segments.removeFirst(whole)
        guard faults.bytesPerSecond > 0 else { return }
        let nanoseconds = Int64(count) * 1_000_000_000 / Int64(faults.bytesPerSecond)
        paced = max(paced, now).advanced(by: .nanoseconds(nanoseconds))
    }

    /// The receiver was told of the end.
    mutating func finish() {
        isFinished = true
    }

    private func sendable(at now: MonotonicInstant) -> Int {
        let due = segments.prefix { $0.due <= now }.reduce(0) { $0 + $1.bytes }
        guard faults.bytesPerSecond > 0 else { return due }
        return min(due, max(1, faults.bytesPerSecond / Self.slicesPerSecond))
    }

    private func due(at now: MonotonicInstant, random: some RandomSource) -> MonotonicInstant {
        var latency = Duration.milliseconds(faults.latencyMilliseconds)
        if faults.jitterMilliseconds > 0 {
            let jitter = Duration.milliseconds(faults.jitterMilliseconds)
            latency = max(.zero, latency - jitter + random.nextDuration(upTo: jitter * 2))
        }
        return max(lastDue, now.advanced(by: latency))
    }
}
