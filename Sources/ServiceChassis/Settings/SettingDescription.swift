/// What one setting is, for people: the source of `--help`, of `config` and of `docs/configuration.md`.
package struct SettingDescription: Sendable, Hashable {
    package var key: String
    /// What kind of value it takes, such as `whole number`.
    package var type: String
    /// The values it may have, such as `1 to 65535`; nil when the type says all.
    package var range: String?
    /// What a number counts, such as `s` or `bytes`.
    package var unit: String?
    /// The value it has when it is not set; nil when it has none.
    package var defaultText: String?
    /// Whether the service refuses to start without it.
    package var isRequired: Bool
    /// Whether its value is hidden in every print and may come from the file named by `KEY_FILE`.
    package var isSecret: Bool
    /// One sentence: what it changes.
    package var meaning: String

    /// Kind, range and unit in one phrase: `whole number, 1 to 65535`.
    package var expectation: String {
        ([type] + (range.map { [$0] } ?? []) + (unit.map { ["in " + $0] } ?? [])).joined(separator: ", ")
    }
}
