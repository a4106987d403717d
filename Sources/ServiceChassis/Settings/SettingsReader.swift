import Telemetry

/// Reads settings one by one into a plain struct and keeps a record of each: what it is, what it came out as, and what
/// was wrong with it.
///
/// A fault does not stop the reading: a stand-in is returned and ``finish()`` reports all faults at once. Because the
/// same calls describe the settings, read every setting unconditionally; a setting read only in some case would be
/// missing from the documentation and reported as unknown.
package struct SettingsReader: Sendable {
    /// A setting as it came out, for `config` and `/admin/config`.
    package struct Effective: Sendable, Hashable {
        package var description: SettingDescription
        /// The value as text, hidden for a secret; nil when there is none.
        package var value: String?
        /// `default`, `environment`, or path and line of a file.
        package var origin: String
    }

    /// What stands for a secret in listings and faults.
    package static let hidden = "[redacted]"

    private let sources: SettingsSources
    private let defaults: [String: String]
    package private(set) var settings: [Effective] = []
    private var faults: [SettingFault] = []

    /// A reader that looks values up in `sources`; `defaults` replaces the defaults of settings by key.
    package init(_ sources: SettingsSources, defaults: [String: String] = [:]) {
        self.sources = sources
        self.defaults = defaults
        faults = sources.file?.faults ?? []
    }

    /// The value of a setting that has a default.
    package mutating func value<Value>(
        _ key: String, _ kind: SettingKind<Value>, default standard: Value, _ meaning: String
    ) -> Value {
        let standard = defaults[key].flatMap(kind.parse) ?? standard
        let description = describe(key, kind, meaning, standard: kind.render(standard), isRequired: false)
        return read(key, kind, description) ?? standard
    }

    /// The value of a setting the service does not start without.
    package mutating func required<Value>(_ key: String, _ kind: SettingKind<Value>, _ meaning: String) -> Value {
        let description = describe(key, kind, meaning, standard: nil, isRequired: true)
        if let value = read(key, kind, description) { return value }
        if !faults.contains(where: { $0.key == key }) {
            faults.append(
                SettingFault(
                    key: key, value: nil, origin: nil, reason: "is not set",
                    remedy: "\(meaning) Expected: \(description.expectation)."))
        }
        return kind.placeholder
    }

    /// The value of a setting that may be absent.
    package mutating func optional<Value>(_ key: String, _ kind: SettingKind<Value>, _ meaning: String) -> Value? {
        read(key, kind, describe(key, kind, meaning, standard: nil, isRequired: false))
    }

    /// A secret, from the setting itself or from the file that `KEY_FILE` names (its trailing line end dropped).
    package mutating func secret(_ key: String, _ meaning: String) -> Secret<String>? {
        let fileKey = key + "_FILE"
        let description = SettingDescription(
            key: key, type: "text, or a file named by `\(fileKey)`", range: nil, unit: nil, defaultText: nil,
            isRequired: false, isSecret: true, meaning: meaning)
        let direct = sources.find(key)
        guard let path = sources.find(fileKey) else {
            record(description, value: direct.map { _ in Self.hidden }, origin: direct?.origin)
            return direct.map { Secret($0.value) }
        }
        record(description, value: Self.hidden, origin: path.value)
        guard direct == nil else {
            reject(
                key, value: Self.hidden, origin: direct?.origin, reason: "is given together with \(fileKey)",
                remedy: "Set one of the two.")
            return nil
        }
        switch sources.files.text(path.value) {
        case .success(let text):
            return Secret(String(text.prefix { $0 != "\n" && $0 != "\r\n" }))
        case .failure(let failure):
            reject(
                fileKey, value: path.value, origin: path.origin, reason: failure.reason,
                remedy: "Name a readable file that holds the secret alone, or set \(key).")
            return nil
        }
    }

    /// Reports that a setting which may be absent elsewhere is missing here, `because` of another; nothing when it has a
    /// value, or a fault of its own.
    package mutating func require<Value>(_ key: String, _ value: Value?, because reason: String) {
        guard value == nil, !faults.contains(where: { $0.key == key || $0.key == key + "_FILE" }) else { return }
        let meaning = settings.first { $0.description.key == key }?.description.meaning
        reject(key, reason: "is not set although \(reason)", remedy: meaning ?? "Set it.")
    }

    /// Reports a fault that no single value shows, such as two settings that contradict each other.
    package mutating func reject(
        _ key: String, value: String? = nil, origin: String? = nil, reason: String, remedy: String
    ) {
        faults.append(SettingFault(key: key, value: value, origin: origin, reason: reason, remedy: remedy))
    }

    /// Whether a fault of this setting has been found so far.
    func isFaulty(_ key: String) -> Bool {
        faults.contains { $0.key == key }
    }

    /// Ends the reading.
    ///
    /// - Throws: ``SettingsError`` with everything that was wrong.
    package func finish() throws(SettingsError) {
        guard faults.isEmpty else { throw SettingsError(faults: faults) }
    }

    private mutating func describe<Value>(
        _ key: String, _ kind: SettingKind<Value>, _ meaning: String, standard: String?, isRequired: Bool
    ) -> SettingDescription {
        SettingDescription(
            key: key, type: kind.name, range: kind.range, unit: kind.unit, defaultText: standard,
            isRequired: isRequired, isSecret: false, meaning: meaning)
    }

    private mutating func read<Value>(
        _ key: String, _ kind: SettingKind<Value>, _ description: SettingDescription
    ) -> Value? {
        guard let found = sources.find(key) else {
            record(description, value: description.defaultText, origin: nil)
            return nil
        }
        if let value = kind.parse(found.value) {
            record(description, value: kind.render(value), origin: found.origin)
            return value
        }
        record(description, value: found.value, origin: found.origin)
        let otherwise = description.defaultText.map { "leave it out for \($0)" } ?? "leave it out"
        reject(
            key, value: kind.hidesFaultyValue ? Self.hidden : found.value, origin: found.origin,
            reason: "is not valid; expected: \(description.expectation)",
            remedy: description.isRequired ? "Correct it." : "Correct it, or \(otherwise).")
        return nil
    }

    private mutating func record(_ description: SettingDescription, value: String?, origin: String?) {
        precondition(
            !settings.contains { $0.description.key == description.key }, "the setting \(description.key) is read twice"
        )
        settings.append(Effective(description: description, value: value, origin: origin ?? "default"))
    }
}

/// A plain struct of settings, read in one place.
package protocol SettingsGroup: Sendable {
    /// Reads every setting of the group, unconditionally and in the order in which the documentation lists them.
    init(reading settings: inout SettingsReader)
}

extension SettingsGroup {
    /// The group's settings with their descriptions and no values, for documentation.
    package static var descriptions: [SettingDescription] { descriptions(defaults: [:]) }

    static func descriptions(defaults: [String: String]) -> [SettingDescription] {
        var reader = SettingsReader(SettingsSources(environment: [:]), defaults: defaults)
        _ = Self(reading: &reader)
        return reader.settings.map(\.description)
    }
}
