/// Tokens whose signature and claims were found good, so that a client's next call costs a look-up.
///
/// Kept by their digests, a bounded number, the oldest leaving first. What is found still has to be in force: times are
/// checked anew. New keys empty it, for they may have replaced the one that signed.
struct VerifiedTokens {
    static let capacity = 4096

    private var generation: UInt64 = 0
    private var claims: [[UInt8]: TokenClaims] = [:]
    /// The digests in the order they came, a ring once it is full.
    private var order: [[UInt8]] = []
    private var oldest = 0

    init() {}

    /// What is kept under the digest, if the keys are still those of `generation`.
    func find(_ digest: [UInt8], generation: UInt64) -> TokenClaims? {
        generation == self.generation ? claims[digest] : nil
    }

    /// Keeps a token that was verified with the keys of `generation`; ignored when there are newer ones.
    mutating func insert(_ digest: [UInt8], _ new: TokenClaims, generation: UInt64) {
        if generation > self.generation {
            self = VerifiedTokens()
            self.generation = generation
        }
        guard generation == self.generation, claims.updateValue(new, forKey: digest) == nil else { return }
        if order.count < Self.capacity {
            order.append(digest)
        } else {
            claims[order[oldest]] = nil
            order[oldest] = digest
            oldest = (oldest + 1) % Self.capacity
        }
    }

    var count: Int { claims.count }
}
