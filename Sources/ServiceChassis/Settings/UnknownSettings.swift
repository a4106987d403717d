/// Finds settings that nobody reads: most often a name mistyped, which otherwise shows only as a default in force.
///
/// The file is ours, so each unknown key in it is reported. The environment is shared with everybody else, so a variable is
/// reported only when it has a prefix that is ours alone, continues one of our names (`KAFKA_BOOTSTRAP_SERVERS`), or
/// is one slip of the hand away from one.
package struct UnknownSettings: Sendable {
    /// Prefixes no other program uses.
    private static let ownPrefixes = ["HOLDFAST_", "BUILTIN_"]

    /// Short names are one letter away from too much to be guessed at.
    private static let shortestGuess = 8

    private let known: Set<String>

    /// - Parameter known: the keys this service reads, and those that its neighbours read: one environment may serve all.
    package init(known: some Sequence<String>) {
        self.known = Set(known).union([SettingsSources.fileKey])
    }

    /// One sentence for each unknown setting, in the order of their names.
    package func report(_ sources: SettingsSources) -> [String] {
        var found: [(key: String, sentence: String)] = []
        for (key, entry) in sources.file?.entries ?? [:] where !isKnown(key) {
            let origin = "\(sources.file?.path ?? ""), line \(entry.line)"
            found.append((key, "\(key) (\(origin)) is no setting of this service\(suggestion(for: key))"))
        }
        for key in sources.environment.keys where !isKnown(key) && looksLikeOurs(key) {
            found.append((key, "\(key) (environment) is no setting of this service\(suggestion(for: key))"))
        }
        return found.sorted { $0.key < $1.key }.map(\.sentence)
    }

    private func isKnown(_ key: String) -> Bool {
        known.contains(key) || (key.hasSuffix("_FILE") && known.contains(String(key.dropLast("_FILE".count))))
    }

    private func looksLikeOurs(_ key: String) -> Bool {
        Self.ownPrefixes.contains { key.hasPrefix($0) } || nearest(to: key) != nil
    }

    private func suggestion(for key: String) -> String {
        nearest(to: key).map { "; did you mean \($0)?" } ?? ""
    }

    private func nearest(to key: String) -> String? {
        let continued = known.filter { $0.contains("_") && key.hasPrefix($0 + "_") }
        if let longest = continued.max(by: { ($0.utf8.count, $0) < ($1.utf8.count, $1) }) { return longest }
        guard key.utf8.count >= Self.shortestGuess - 1 else { return nil }
        return known.filter { $0.utf8.count >= Self.shortestGuess && Self.isOneSlipApart($0, key) }.min()
    }

    /// Whether one insertion, deletion, replacement or swap of neighbours turns one text into the other.
    static func isOneSlipApart(_ left: String, _ right: String) -> Bool {
        var left = Array(left.utf8)
        var right = Array(right.utf8)
        while let a = left.first, let b = right.first, a == b {
            left.removeFirst()
            right.removeFirst()
        }
        while let a = left.last, let b = right.last, a == b {
            left.removeLast()
            right.removeLast()
        }
        if left.count <= 1 && right.count <= 1 { return left.count + right.count > 0 }
        return left.count == 2 && right.count == 2 && left == right.reversed()
    }
}
