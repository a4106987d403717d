/// What a service's executable is asked to do.
package enum ServiceCommand: Sendable, Hashable {
    /// Serve until a signal.
    case serve
    /// Apply the migrations and end.
    case migrate
    /// Print the effective settings.
    case config
    /// Print the table of settings for the documentation.
    case configTable
    /// Ask the running service for its health.
    case health(HealthProbe)
    /// Print a token signed with the suite's secret.
    case token(TokenCommand)
    case help

    package enum HealthProbe: String, CaseIterable, Sendable {
        case live, ready, startup
    }

    /// Reads the arguments behind the program's name.
    ///
    /// - Throws: ``ServiceCommandError`` for anything that is no command.
    package init(_ arguments: [String]) throws(ServiceCommandError) {
        switch arguments {
        case [], ["serve"]: self = .serve
        case ["migrate"]: self = .migrate
        case ["config"]: self = .config
        case ["config", "--markdown"]: self = .configTable
        case ["health"]: self = .health(.ready)
        case ["help"], ["--help"], ["-h"]: self = .help
        default:
            if arguments.first == "token" {
                self = .token(try TokenCommand(arguments.dropFirst()))
                return
            }
            guard arguments.count == 2, arguments[0] == "health", let probe = HealthProbe(rawValue: arguments[1])
            else { throw ServiceCommandError(arguments: arguments) }
            self = .health(probe)
        }
    }

    /// The text of `--help` but for the settings.
    static func usage(_ name: String, hasDatabase: Bool) -> String {
        let migrate = "  migrate              bring the database to this version's schema and end\n"
        return """
            usage: \(name) [command]

              (none)               serve until SIGTERM or SIGINT; a second signal ends it at once
            \(hasDatabase ? migrate : "")\
              config               print the effective settings, secrets hidden
              config --markdown    print the settings there are as a table
              health [probe]       ask the running service: live, ready (the default) or startup; 0 when it is up
              token --sub NAME [--scope SCOPES] [--ttl TIME]
                                   print a token signed with AUTH_SECRET; TIME is like 90s, 15m (the default) or 1h
              --help               print this

            Settings come from the environment, then from the KEY=value file named by HOLDFAST_SETTINGS:


            """
    }
}

/// The arguments are no command.
package struct ServiceCommandError: Error, Sendable, Hashable, CustomStringConvertible {
    package var arguments: [String]

    package var description: String { "there is no command \"\(arguments.joined(separator: " "))\"; see --help" }
}
