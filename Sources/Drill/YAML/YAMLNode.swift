/// A value of a YAML document, with the line it begins on.
package struct YAMLNode: Sendable, Equatable {
    package enum Content: Sendable, Equatable {
        /// Text as it was written, resolved from quotes; `isPlain` is false for quoted and block text.
        case scalar(String, isPlain: Bool)
        case sequence([YAMLNode])
        /// Members in the order of the file; no name occurs twice.
        case mapping([Member])
    }

    package struct Member: Sendable, Equatable {
        package var name: String
        package var line: Int
        package var value: YAMLNode
    }

    /// Counted from 1.
    package var line: Int
    package var content: Content

    package init(line: Int, _ content: Content) {
        self.line = line
        self.content = content
    }

    /// What it is, for messages.
    package var kindName: String {
        switch content {
        case .scalar(let text, _): text.isEmpty ? "nothing" : "\"\(text)\""
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }

    /// The text of a scalar.
    package var text: String? {
        if case .scalar(let text, _) = content { return text }
        return nil
    }

    /// Whether nothing was written, or `null` or `~`.
    package var isNothing: Bool {
        if case .scalar(let text, isPlain: true) = content { return ["", "null", "~"].contains(text) }
        return false
    }
}
