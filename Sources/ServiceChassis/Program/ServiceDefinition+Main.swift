import Clocks
import Glibc
import Telemetry

extension ServiceDefinition {
    /// Runs the executable's command and ends the process; call it from a synchronous `main` as the first thing.
    package func main() -> Never {
        // Before any other thread exists, so that all of them leave the signals to this one.
        Signals.block()
        let time = SystemTime()
        do {
            let command = try ServiceCommand(Array(CommandLine.arguments.dropFirst()))
            let sources = SettingsSources.process()
            switch command {
            case .help:
                Output.write(
                    ServiceCommand.usage(name, hasDatabase: schema != nil) + SettingsTable.help(settingDescriptions))
                exit(ExitCode.success)
            case .configTable:
                Output.write(SettingsTable.markdown(settingDescriptions))
                exit(ExitCode.success)
            case .config:
                let (_, effective) = try read(sources)
                Output.write(SettingsTable.listing(effective))
                for unknown in unknownSettings(sources) { Output.complain("warning: \(unknown)") }
                exit(ExitCode.success)
            case .health(let probe):
                var reader = SettingsReader(sources, defaults: defaults)
                let settings = ChassisSettings(reading: &reader)
                Self.runToEnd {
                    await HealthCommand.run(probe, host: settings.host, port: settings.adminPort, time: time)
                }
            case .token(let command):
                var reader = SettingsReader(sources)
                let settings = AuthenticationSettings(reading: &reader)
                Output.write(try command.token(settings, now: time.wallNow) + "\n")
                exit(ExitCode.success)
            case .migrate:
                guard let schema else {
                    Output.complain("\(name): there is no database to migrate")
                    exit(ExitCode.usage)
                }
                let (settings, _) = try read(sources)
                let process = ServiceProcess(name, settings.chassis, time: time)
                Self.runToEnd { await process.migrate(schema.database(settings.service), schema.migrations) }
            case .serve:
                let (settings, effective) = try read(sources)
                let process = ServiceProcess(name, settings.chassis, time: time)
                process.announce(unknownSettings(sources))
                serve(process, settings, effective)
            }
        } catch let error as ServiceCommandError {
            Output.complain("\(name): \(error)")
            exit(ExitCode.usage)
        } catch {
            Output.complain("\(name): \(error)")
            exit(ExitCode.configuration)
        }
    }

    func read(_ sources: SettingsSources) throws(SettingsError) -> (
        AllSettings<Configuration>, [SettingsReader.Effective]
    ) {
        var reader = SettingsReader(sources, defaults: defaults)
        let settings = AllSettings<Configuration>(reading: &reader)
        try reader.finish()
        return (settings, reader.settings)
    }

    private func unknownSettings(_ sources: SettingsSources) -> [String] {
        let known = settingDescriptions.map(\.key) + SuiteSettings.keys
        return UnknownSettings(known: known).report(sources)
    }

    private func serve(
        _ process: ServiceProcess, _ settings: AllSettings<Configuration>, _ effective: [SettingsReader.Effective]
    ) -> Never {
        do {
            let parts = try build(settings.service, process.chassis)
            let admin = try process.chassis.admin(effective)
            let tracing = try process.chassis.tracingParts()
            process.run(process.group([admin] + tracing + process.chassis.identities.parts + parts))
        } catch {
            Output.complain("\(name): \(error)")
            exit(ExitCode.failure)
        }
    }

    /// Runs a one-shot command beside the thread that waits for signals; a signal ends it at once.
    private static func runToEnd(_ body: @escaping @Sendable () async -> Int32) -> Never {
        Task.detached { _exit(await body()) }
        Signals.deliver { signal in _exit(128 + signal) }
    }
}
