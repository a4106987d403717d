import Clocks
import Glibc

/// Shows a run as it goes: a line for each phase and event, and below them one that changes in place.
package final class Terminal: Sendable {
    private struct State {
        var hasLiveLine = false
    }

    private let isLive: Bool
    private let hasColour: Bool
    private let state = Lock(State())

    /// Colour and the changing line only where a person reads along; `NO_COLOR` is honoured.
    package init(isTerminal: Bool = isatty(1) == 1, environment: [String: String]) {
        isLive = isTerminal && environment["TERM"] != "dumb"
        hasColour = isLive && (environment["NO_COLOR"] ?? "").isEmpty
    }

    package enum Style: String, Sendable {
        case plain = "0"
        case bold = "1"
        case dim = "2"
        case good = "32"
        case bad = "31"
        case warning = "33"
    }

    package func styled(_ text: String, _ style: Style) -> String {
        hasColour && style != .plain ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }

    package func line(_ text: String = "") {
        state.withLock { state in
            write((state.hasLiveLine ? "\r\u{1B}[K" : "") + text + "\n")
            state.hasLiveLine = false
        }
    }

    /// A phase that begins, or ended well or badly.
    package func phase(_ name: String, _ text: String, _ style: Style = .good) {
        let mark = style == .bad ? "✗" : style == .warning ? "!" : style == .good ? "✓" : "▸"
        let padding = String(repeating: " ", count: max(1, 12 - name.count))
        line("\(styled(mark, style)) \(styled(name, .bold))\(padding)\(text)")
    }

    package func event(at nanoseconds: Int64, _ text: String) {
        let tenths = nanoseconds / 100_000_000
        let stamp = "+\(tenths / 10).\(tenths % 10) s"
        line("    " + styled(String(repeating: " ", count: max(0, 9 - stamp.count)) + stamp, .dim) + "  " + text)
    }

    /// Replaces the changing line; nothing where nobody sees it change.
    package func live(_ text: String) {
        guard isLive else { return }
        state.withLock { state in
            state.hasLiveLine = true
            write("\r\u{1B}[K    " + styled(String(text.prefix(110)), .dim))
        }
    }

    /// A terminal that has gone away is no reason to stop.
    private func write(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(1, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
