/// The text of `docs/configuration.md`, made of what the services say about their own settings.
package struct ConfigurationDocument: Sendable {
    private var services: [(name: String, settings: [SettingDescription])] = []

    package init() {}

    /// Adds a service behind those added before.
    package mutating func add<Configuration>(_ service: ServiceDefinition<Configuration>) {
        services.append((service.name, service.settingDescriptions))
    }

    /// The whole document: settings that every service has once, then each service's own.
    package var markdown: String {
        let common = services.first?.settings.filter { setting in
            services.allSatisfy { $0.settings.contains(setting) }
        }
        var text = """
            # Configuration

            Every setting has a name, which is looked for in the environment, then in the file of `KEY=value` lines named by
            `\(SettingsSources.fileKey)`, then has its default. An empty value counts as not set. A secret may be put into a file of
            its own, named by the setting with `_FILE` behind it. A service that finds a value it cannot use does not start
            and names all such values at once; names that look like a slip of the hand are warned of. `<service> config` prints
            what is in force and where it came from, `<service> --help` what there is.

            This page is generated from the code: a test compares the two, and rewrites the page when it is run with
            `HOLDFAST_WRITE_DOCS=1` in the environment.

            ## Every service

            \(SettingsTable.markdown(common ?? []))
            """
        for service in services {
            let own = service.settings.filter { !(common ?? []).contains($0) }
            text += "\n## \(service.name)\n\n"
            text += own.isEmpty ? "No settings of its own.\n" : SettingsTable.markdown(own)
        }
        return text
    }
}
