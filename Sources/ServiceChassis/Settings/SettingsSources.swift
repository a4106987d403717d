/// Where settings are looked up: the environment first, then the file, then a setting's default.
package struct SettingsSources: Sendable {
    /// A value and where it came from.
    package struct Found: Sendable, Hashable {
        package var value: String
        package var origin: String
    }

    /// The setting that names the file.
    package static let fileKey = "HOLDFAST_SETTINGS"

    package var environment: [String: String]
    package var file: SettingsFile?
    package var files: FileReader

    /// Sources with this environment; the file is read when the environment names one.
    package init(environment: [String: String], files: FileReader = .system) {
        self.environment = environment
        self.files = files
        guard let path = environment[Self.fileKey], !path.isEmpty else { return }
        switch files.text(path) {
        case .success(let text):
            file = SettingsFile(path: path, text: text)
        case .failure(let failure):
            let fault = SettingFault(
                key: Self.fileKey, value: path, origin: "environment", reason: failure.reason,
                remedy: "Name a readable file of KEY=value lines, or unset it.")
            file = SettingsFile(path: path, faults: [fault])
        }
    }

    /// The environment this process was started with.
    package static func process(files: FileReader = .system) -> SettingsSources {
        var environment: [String: String] = [:]
        // `environ` is a mutable global that Swift 6 does not let us touch; the kernel keeps the same text in a file.
        if case .success(let bytes) = files.read("/proc/self/environ") {
            for entry in bytes.split(separator: 0) {
                guard let equals = entry.firstIndex(of: UInt8(ascii: "=")) else { continue }
                let key = String(decoding: entry[..<equals], as: UTF8.self)
                environment[key] = String(decoding: entry[entry.index(after: equals)...], as: UTF8.self)
            }
        }
        return SettingsSources(environment: environment, files: files)
    }

    /// The value of a key; an empty one counts as not set, so that `KEY=` switches a file's line off.
    package func find(_ key: String) -> Found? {
        if let value = environment[key] {
            return value.isEmpty ? nil : Found(value: value, origin: "environment")
        }
        guard let file, let entry = file.entries[key], !entry.value.isEmpty else { return nil }
        return Found(value: entry.value, origin: "\(file.path), line \(entry.line)")
    }
}
