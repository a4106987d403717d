import CLinux
import Glibc

/// A launch resolved to what the system call takes.
///
/// `setpriv` (util-linux, part of every Debian) stands in front of the program: it sets the death signal and
/// the account in the child, where no code of ours can run between fork and exec, then becomes the program.
struct SpawnCommand: Sendable {
    let path: String
    let arguments: [String]
    let environment: [String]
    let launch: Launch

    init(_ launch: Launch) throws(ChildProcessError) {
        guard let program = Programs.find(launch.program) else { throw .programNotFound(launch.program) }
        guard let setpriv = Programs.find("setpriv") else { throw .programNotFound("setpriv (package util-linux)") }
        var arguments = ["setpriv", "--pdeathsig", launch.deathSignal.rawValue]
        if let account = launch.account, Account.isRoot {
            arguments += ["--reuid", String(account.user), "--regid", String(account.group), "--clear-groups"]
        }
        self.path = setpriv
        self.arguments = arguments + ["--", program] + launch.arguments
        var environment = Programs.environment
        for name in launch.withheld { environment[name] = nil }
        environment.merge(launch.environment) { $1 }
        self.environment = environment.map { "\($0)=\($1)" }.sorted()
        self.launch = launch
    }

    /// Starts the program from the calling thread.
    func spawn() throws(ChildProcessError) -> Int32 {
        let log = open(launch.logFile, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard log >= 0 else {
            throw .logNotWritable(path: launch.logFile, reason: systemMessage(errno))
        }
        defer { close(log) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, log, 1)
        posix_spawn_file_actions_adddup2(&actions, log, 2)
        if let directory = launch.directory { posix_spawn_file_actions_addchdir_np(&actions, directory) }
        posix_spawn_file_actions_addclosefrom_np(&actions, 3)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var pid: pid_t = 0
        let status = withCStrings(arguments) { arguments in
            withCStrings(environment) { environment in
                posix_spawn(&pid, path, &actions, &attributes, arguments, environment)
            }
        }
        guard status == 0 else { throw .startFailed(program: launch.program, reason: systemMessage(status)) }
        return pid
    }

    private func withCStrings<Result>(
        _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var pointers: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        return body(pointers)
    }
}

/// Where programs are found.
package enum Programs {
    /// The path of a program given by path or by name; nil when there is none that can be run.
    package static func find(_ name: String) -> String? {
        if name.contains("/") { return Files.isExecutable(name) ? name : nil }
        let path = environment["PATH"] ?? ""
        // An ordinary user's PATH often lacks the folders of system programs.
        for folder in path.split(separator: ":") + ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"] {
            let candidate = "\(folder)/\(name)"
            if Files.isExecutable(candidate) { return candidate }
        }
        return nil
    }

    /// The environment of this process.
    package static var environment: [String: String] {
        var variables: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let pair = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if pair.count == 2 { variables[String(pair[0])] = String(pair[1]) }
            entry += 1
        }
        return variables
    }
}
