/// Settings as text: the Markdown of `docs/configuration.md` and the listing of `config`.
package enum SettingsTable {
    /// A Markdown table, one row a setting, in the order in which they are read.
    package static func markdown(_ descriptions: [SettingDescription]) -> String {
        let head = "| Setting | Value | Default | Meaning |\n|---|---|---|---|\n"
        return head + descriptions.map(row).joined()
    }

    private static func row(_ setting: SettingDescription) -> String {
        var standard = setting.defaultText.map { "`\($0)`" } ?? (setting.isRequired ? "required" : "none")
        if setting.isSecret { standard += ", secret" }
        let cells = ["`\(setting.key)`", setting.expectation, standard, setting.meaning]
        return "| " + cells.map(escaped).joined(separator: " | ") + " |\n"
    }

    private static func escaped(_ cell: String) -> String {
        cell.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
    }

    /// The effective settings in `KEY=value` form with their origin behind; secrets are hidden.
    package static func listing(_ settings: [SettingsReader.Effective]) -> String {
        let lines = settings.map { setting in
            (text: "\(setting.description.key)=\(setting.value ?? "")", origin: setting.origin)
        }
        let width = min(lines.map(\.text.count).max() ?? 0, 60)
        return lines.map { line in
            line.text + String(repeating: " ", count: max(0, width - line.text.count)) + "  # \(line.origin)\n"
        }.joined()
    }

    /// The settings for `--help`: name, default, meaning.
    package static func help(_ descriptions: [SettingDescription]) -> String {
        descriptions.map { setting in
            let standard = setting.defaultText ?? (setting.isRequired ? "required" : "none")
            return "  \(setting.key)\n      \(setting.meaning)\n      \(setting.expectation); default: \(standard)\n"
        }.joined()
    }
}
