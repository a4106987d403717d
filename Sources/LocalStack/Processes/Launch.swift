/// What to start, and how.
package struct Launch: Sendable, Equatable {
    /// A path, or a name to be looked up in `PATH`.
    package var program: String
    package var arguments: [String]
    /// Added to the environment of this process; an empty value is passed on as such.
    package var environment: [String: String] = [:]
    /// Variables of this process that are kept from the child.
    package var withheld: Set<String> = []
    /// The working directory; nil keeps that of this process.
    package var directory: String?
    /// Where standard output and standard error go; they are appended.
    package var logFile: String
    /// The account to run under; only root can give another than its own.
    package var account: Account?
    /// The signal the child gets when this process dies, however it dies.
    package var deathSignal: ChildSignal = .kill

    package init(_ program: String, _ arguments: [String] = [], logFile: String = "/dev/null") {
        self.program = program
        self.arguments = arguments
        self.logFile = logFile
    }
}

/// The signals a child is sent.
package enum ChildSignal: String, Sendable {
    case interrupt = "INT"
    case quit = "QUIT"
    case kill = "KILL"
    case terminate = "TERM"
    case stop = "STOP"
    case resume = "CONT"

    package var number: Int32 {
        switch self {
        case .interrupt: 2
        case .quit: 3
        case .kill: 9
        case .terminate: 15
        case .stop: 19
        case .resume: 18
        }
    }
}
