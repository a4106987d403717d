import Clocks
import Glibc

/// A client's connection and the one to the target that belongs to it; lives on the loop's thread.
final class Pair {
    /// One end: a socket and what the kernel said of it last.
    struct Side {
        /// -1 before it is opened.
        var socket: Int32 = -1
        /// There may be bytes, or an end, to read.
        var isReadable = false
        /// There may be room for bytes to write.
        var isWritable = false
        /// It takes no more bytes: a write failed.
        var isBroken = false
    }

    /// One direction: the lane decides, the queue has the bytes.
    struct Way {
        var lane: Lane
        var queue = ByteQueue()
        var hasEnded = false
    }

    let key: UInt64
    let link: Int
    /// Drawn once, between 0 and 1: faults with a share concern it or not.
    let draw: Double
    var client: Side
    var target = Side()
    /// The connection to the target has begun and is not there yet.
    var isConnecting = false
    var upstream: Way
    var downstream: Way
    var rewriter: PortRewriter?

    init(key: UInt64, link: Int, draw: Double, client: Int32, upstream: LaneFaults, downstream: LaneFaults) {
        self.key = key
        self.link = link
        self.draw = draw
        self.client = Side(socket: client)
        self.upstream = Way(lane: Lane(upstream.concerning(draw)))
        self.downstream = Way(lane: Lane(downstream.concerning(draw)))
    }

    /// The bytes go from here…
    static func source(_ direction: Direction) -> ReferenceWritableKeyPath<Pair, Side> {
        direction == .upstream ? \.client : \.target
    }

    /// …to here.
    static func sink(_ direction: Direction) -> ReferenceWritableKeyPath<Pair, Side> {
        direction == .upstream ? \.target : \.client
    }

    static func way(_ direction: Direction) -> ReferenceWritableKeyPath<Pair, Way> {
        direction == .upstream ? \.upstream : \.downstream
    }
}
