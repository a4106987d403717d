import CLinux
import Glibc

/// The program `fault-proxy`: arguments in, exit status out.
package enum FaultProxyCommand {
    /// Runs the proxy until it is told to end.
    ///
    /// Must run on the main thread before any other exists: the signals that end it are blocked first, so that other
    /// threads inherit that and none is lost.
    ///
    /// - Returns: 2 for wrong arguments, 1 when it could not start or is not healthy, 0 for help and health; otherwise the process ends from here.
    package static func run(arguments: [String]) -> Int32 {
        do {
            switch try FaultProxyRequest(arguments: arguments) {
            case .help:
                write(FaultProxyOptions.helpText, to: STDOUT_FILENO)
                return 0
            case .run(let options): return run(options)
            case .health(let port): return Sockets.isOpen(port) ? 0 : 1
            }
        } catch {
            say(error.description, to: STDERR_FILENO)
            return 2
        }
    }

    private static func run(_ options: FaultProxyOptions) -> Int32 {
        var endings = sigset_t()
        sigemptyset(&endings)
        sigaddset(&endings, SIGTERM)
        sigaddset(&endings, SIGINT)
        pthread_sigmask(SIG_BLOCK, &endings, nil)
        signal(SIGPIPE, SIG_IGN)
        raiseDescriptorLimit()
        do throws(FaultProxyError) {
            let proxy = try FaultProxy(
                links: options.links, host: options.host, controlPort: options.controlPort, seed: options.seed)
            Task.detached {
                do throws(FaultProxyError) {
                    try await proxy.run()
                } catch {
                    say(error.description, to: STDERR_FILENO)
                    _exit(1)
                }
            }
            say("ready on \(options.host):\(proxy.controlPort)")
        } catch {
            say(error.description, to: STDERR_FILENO)
            return 1
        }
        var number: Int32 = 0
        while sigwait(&endings, &number) != 0 {}
        // Nothing is kept, and the kernel ends the connections.
        _exit(0)
    }

    /// Each connection of a client takes two descriptors.
    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    private static func say(_ sentence: String, to descriptor: Int32 = STDOUT_FILENO) {
        write("fault-proxy: \(sentence)\n", to: descriptor)
    }

    private static func write(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, Array(rest), rest.count)
                guard count > 0 || errno == EINTR else { return }
                rest = rest.dropFirst(max(count, 0))
            }
        }
    }
}
