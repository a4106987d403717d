import Clocks

/// A listening port with its faults, its generator and its counts; lives on the loop's thread.
struct Link {
    let specification: LinkSpecification
    let listener: Int32
    let port: Int
    /// Draws for connections and jitter; its sequence is that of the seed and the link's name.
    let random: SeededRandom
    var upstream = LaneFaults.none
    var downstream = LaneFaults.none
    var isListening = false
    var counts = Counts()

    /// What has happened since the start.
    struct Counts: Hashable, Sendable {
        var accepted = 0
        var open = 0
        /// Connections ended by a fault.
        var cut = 0
        /// Connections whose target could not be reached.
        var unreachable = 0
        var upstreamBytes = 0
        var downstreamBytes = 0
    }

    init(_ specification: LinkSpecification, listener: Int32, port: Int, seed: UInt64) {
        self.specification = specification
        self.listener = listener
        self.port = port
        // FNV-1a: the same name has to give the same sequence in each run, which Hasher's values would not.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in specification.name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        random = SeededRandom(seed: hash ^ seed)
    }

    static func faults(_ direction: Direction) -> WritableKeyPath<Link, LaneFaults> {
        direction == .upstream ? \.upstream : \.downstream
    }
}

/// What the control API tells of a link.
struct LinkReport: Sendable {
    var name: String
    var port: Int
    var target: String
    var upstream: LaneFaults
    var downstream: LaneFaults
    var counts: Link.Counts

    init(_ link: Link) {
        name = link.specification.name
        port = link.port
        target = "\(link.specification.targetHost):\(link.specification.targetPort)"
        upstream = link.upstream
        downstream = link.downstream
        counts = link.counts
    }
}
