/// Puts a link's own port in the place of its target's where a Kafka broker tells clients where it is.
///
/// A client follows the address that a broker advertises, past any proxy. In every version of the protocol that address
/// is the host's text and then the port as four bytes, the high one first; a port of the same length takes its place and
/// no length, checksum or version has to be known. Ordinary records do not hold an address in this form.
struct PortRewriter {
    private let pattern: [UInt8]
    private let replacement: (high: UInt8, low: UInt8)
    /// For each length of a beginning of the pattern the longest shorter one that ends it (Knuth, Morris and Pratt).
    private let fallback: [Int]
    private var matched = 0
    /// The port's third byte, when a chunk ends behind it: the next byte decides what it is to be.
    private var held: UInt8?

    init(host: String, port: UInt16, to ownPort: UInt16) {
        pattern = Array(host.utf8) + [0, 0, UInt8(port >> 8), UInt8(port & 0xFF)]
        replacement = (UInt8(ownPort >> 8), UInt8(ownPort & 0xFF))
        var fallback = [0]
        for index in 1..<pattern.count {
            var length = fallback[index - 1]
            while length > 0, pattern[length] != pattern[index] { length = fallback[length - 1] }
            fallback.append(pattern[length] == pattern[index] ? length + 1 : 0)
        }
        self.fallback = fallback
    }

    /// What goes on in the place of `chunk`: as long, but for one byte that may be held for the next one.
    mutating func rewrite(_ chunk: [UInt8]) -> [UInt8] {
        var bytes = (held.map { [$0] } ?? []) + chunk
        held = nil
        for index in bytes.indices {
            while matched > 0, pattern[matched] != bytes[index] { matched = fallback[matched - 1] }
            if pattern[matched] == bytes[index] { matched += 1 }
            guard matched == pattern.count else { continue }
            (bytes[index - 1], bytes[index]) = (replacement.high, replacement.low)
            matched = 0
        }
        if matched == pattern.count - 1 {
            held = bytes.popLast()
            matched -= 1
        }
        return bytes
    }

    /// What is left when nothing follows any more.
    mutating func end() -> [UInt8] {
        defer { held = nil }
        return held.map { [$0] } ?? []
    }
}
