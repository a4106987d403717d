import HTTPCodec

/// The `wait` preference of a request (RFC 7240): how long the client would rather wait for a final answer.
package struct WaitPreference: Sendable, Hashable {
    package static let maximumSeconds = 30

    /// 0…30; more was asked for and clamped.
    package let seconds: Int

    package init(seconds: Int) {
        self.seconds = min(max(seconds, 0), Self.maximumSeconds)
    }

    /// Reads `wait` from the request's `Prefer` fields; nil when there is none. What cannot be read is ignored, and of
    /// several the first that can be read counts.
    package init?(_ fields: HTTPFields) {
        for value in fields.values("Prefer") {
            for preference in Self.elements(of: value, separator: UInt8(ascii: ",")) {
                // Parameters behind a semicolon may refine a preference; `wait` has none.
                let plain = Self.elements(of: preference, separator: UInt8(ascii: ";")).first ?? ""
                if let seconds = Self.seconds(in: plain) {
                    self.init(seconds: seconds)
                    return
                }
            }
        }
        return nil
    }

    /// The value of `Preference-Applied`.
    package var applied: String { "wait=\(seconds)" }

    package var duration: Duration { .seconds(seconds) }

    private static func seconds(in preference: Substring) -> Int? {
        guard let equals = preference.firstIndex(of: "=") else { return nil }
        guard preference[..<equals].trimmed.lowercased() == "wait" else { return nil }
        var word = preference[preference.index(after: equals)...].trimmed
        if word.count >= 2, word.first == "\"", word.last == "\"" { word = word.dropFirst().dropLast() }
        guard !word.isEmpty, word.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(word) ?? maximumSeconds
    }

    /// Splits at separators that stand outside quoted strings.
    private static func elements(of text: some StringProtocol, separator: UInt8) -> [Substring] {
        var elements: [Substring] = []
        var isQuoted = false
        var isEscaped = false
        let whole = Substring(text)
        var start = whole.startIndex
        var index = start
        while index < whole.endIndex {
            let byte = whole.utf8[index]
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\"), isQuoted {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                isQuoted.toggle()
            } else if byte == separator, !isQuoted {
                elements.append(whole[start..<index])
                start = whole.utf8.index(after: index)
            }
            index = whole.utf8.index(after: index)
        }
        elements.append(whole[start...])
        return elements
    }
}
