import Glibc

/// Where messages to the operator go.
package struct Console: Sendable {
    private let write: @Sendable (String) -> Void

    package init(_ write: @escaping @Sendable (String) -> Void) {
        self.write = write
    }

    package func line(_ text: String = "") { write(text) }

    package func lines(_ lines: [String]) {
        for line in lines { write(line) }
    }

    /// Standard output, unbuffered; a reader that has gone away is no reason to stop.
    package static let standardOutput = Console { text in
        var bytes = Array(text.utf8)
        bytes.append(UInt8(ascii: "\n"))
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(1, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            written += count
        }
    }
}
