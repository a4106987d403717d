import Glibc

/// How a log line is written.
package enum LogFormat: Hashable, Sendable {
    /// One JSON object a line.
    case json
    /// For people.
    case text(colour: Bool)

    /// Text with colour on a terminal, JSON for everything else.
    package static func automatic(for descriptor: Int32) -> LogFormat {
        isatty(descriptor) == 1 ? .text(colour: true) : .json
    }
}
