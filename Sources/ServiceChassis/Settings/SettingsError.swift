/// Why a service does not start: all that is wrong with its settings, at once.
package struct SettingsError: Error, Sendable, Hashable {
    package var faults: [SettingFault]

    package init(faults: [SettingFault]) {
        self.faults = faults
    }
}

/// One thing that is wrong with the settings.
package struct SettingFault: Sendable, Hashable {
    package var key: String
    /// The value as given, or `(hidden)`; nil when there is none.
    package var value: String?
    /// Where the value came from: `environment`, or path and line of a file.
    package var origin: String?
    /// What is wrong, as the end of a sentence: `must be a port, 0 to 65535`.
    package var reason: String
    /// What to do about it, a sentence.
    package var remedy: String
}

extension SettingFault: CustomStringConvertible {
    package var description: String {
        var text = key
        if let value { text += " = \"\(value)\"" }
        if let origin { text += " (\(origin))" }
        return "\(text) \(reason). \(remedy)"
    }
}

extension SettingsError: CustomStringConvertible {
    package var description: String {
        let count = faults.count == 1 ? "1 setting needs" : "\(faults.count) settings need"
        return "\(count) attention:\n" + faults.map { "  - \($0)" }.joined(separator: "\n")
    }
}
