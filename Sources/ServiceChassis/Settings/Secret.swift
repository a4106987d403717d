/// A value that must not be printed: every textual form of it hides the content.
package struct Secret: Sendable, Hashable {
    private let content: String

    package init(_ content: String) {
        self.content = content
    }

    /// The content itself; call this only where it is handed to whoever needs it.
    package func reveal() -> String { content }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// What stands for a secret in every print.
    package static let hidden = "(hidden)"

    package var description: String { Self.hidden }
    package var debugDescription: String { Self.hidden }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
