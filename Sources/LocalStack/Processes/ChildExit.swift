/// How a process ended.
package enum ChildExit: Hashable, Sendable {
    /// It returned or called `exit` with this code.
    case code(Int32)
    /// This signal killed it.
    case signal(Int32)

    /// Reads the status that `waitpid` reports.
    package init(waitStatus: Int32) {
        let signal = waitStatus & 0x7F
        self = signal == 0 ? .code((waitStatus >> 8) & 0xFF) : .signal(signal)
    }

    package var isSuccess: Bool { self == .code(0) }
}

extension ChildExit: CustomStringConvertible {
    package var description: String {
        switch self {
        case .code(0): "ended normally"
        case .code(let code): "exited with code \(code)"
        case .signal(let signal): "was killed by signal \(signal)\(Self.names[signal].map { " (\($0))" } ?? "")"
        }
    }

    private static let names: [Int32: String] = [
        1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE",
        9: "SIGKILL", 11: "SIGSEGV", 13: "SIGPIPE", 15: "SIGTERM",
    ]
}
