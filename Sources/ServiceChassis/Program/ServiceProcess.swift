import Clocks
import Glibc
import Postgres
import Telemetry

/// The process around a service group: its log, its health, its end.
struct ServiceProcess: Sendable {
    let chassis: Chassis
    private let sink: StreamLogSink
    private let time: any TimeSource

    init(_ name: String, _ settings: ChassisSettings, time: any TimeSource) {
        let format: LogFormat? =
            switch settings.logStyle {
            case .auto: nil
            case .json: .json
            case .text: .text(colour: false)
            }
        sink = StreamLogSink(format: format, time: time)
        self.time = time
        chassis = Chassis(
            service: name, settings: settings, time: time, random: SystemRandom(),
            logger: Logger(service: name, level: settings.logLevel, sink: sink, time: time))
    }

    /// What an operator should read before anything else.
    func announce(_ unknownSettings: [String]) {
        if chassis.settings.authentication.mode == .off {
            chassis.logger.warning("AUTH is off: everybody who reaches the API may do everything; for local use only")
        }
        if chassis.settings.injectsFaults {
            chassis.logger.warning(
                "FAULT_INJECTION is on: whoever reaches the admin port can make this service fail; for drills only")
        }
        for unknown in unknownSettings {
            chassis.logger.warning("a setting is not known", ["setting": .text(unknown)])
        }
    }

    /// The group of these services, its events told to the log and to health.
    func group(_ services: [any Service]) -> ServiceGroup {
        let (chassis, began) = (chassis, time.now)
        return ServiceGroup(services, drain: chassis.settings.drain, time: time) { [time] event in
            switch event {
            case .starting(let name): chassis.logger.debug("part starting", ["part": .text(name)])
            case .ready(let name): chassis.logger.debug("part ready", ["part": .text(name)])
            case .running:
                chassis.health.started()
                chassis.logger.info(
                    "service ready",
                    [
                        "port": .count(chassis.settings.port), "adminPort": .count(chassis.settings.adminPort),
                        "duration": .duration(began.duration(to: time.now)),
                    ])
            case .draining:
                chassis.health.drain()
                chassis.logger.info("service draining", ["limit": .duration(chassis.settings.drain)])
            case .stopping(let name): chassis.logger.debug("part stopping", ["part": .text(name)])
            case .ended(let name, nil): chassis.logger.debug("part ended", ["part": .text(name)])
            case .ended(let name, let reason?):
                chassis.logger.error("part failed", ["part": .text(name), "error": .text(reason)])
            case .cancelled(let names):
                chassis.logger.warning(
                    "drain time is over, cancelling what still runs", ["parts": .list(names.map { .text($0) })])
            }
        }
    }

    /// Runs the group until it ends by itself or a signal stops it, then ends the process.
    func run(_ group: ServiceGroup) -> Never {
        Task.detached {
            let outcome = await group.run()
            await end(Self.exitCode(outcome), group.describe(outcome))
        }
        Signals.deliver { signal in
            chassis.logger.info("signal received, stopping", ["signal": .count(Int(signal))])
            group.stop()
        }
    }

    static func exitCode(_ outcome: GroupOutcome) -> Int32 {
        switch outcome {
        case .stopped: ExitCode.success
        case .serviceEnded, .drainDeadlinePassed: ExitCode.failure
        }
    }

    /// Writes the last lines and ends the process.
    ///
    /// Not by `exit`: parts that were abandoned may still run, and the libraries' own clean-up would pull the floor from
    /// under them.
    func end(_ code: Int32, _ reason: String) async -> Never {
        if code == ExitCode.success {
            chassis.logger.info("service stopped", ["reason": .text(reason)])
        } else {
            chassis.logger.error("service stopped", ["reason": .text(reason)])
        }
        await close()
        _exit(code)
    }

    /// Writes what the log still holds.
    func close() async {
        await sink.close(within: .seconds(1))
    }
}
