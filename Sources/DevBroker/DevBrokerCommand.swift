import CLinux
import Glibc

/// The program `dev-broker`: arguments in, exit status out.
package enum DevBrokerCommand {
    /// Runs the broker until it is told to end.
    ///
    /// Must run on the main thread before any other exists: the signals that end it are blocked first, so that
    /// librdkafka's threads inherit that and none is lost.
    ///
    /// - Returns: 1 when the broker did not start, 2 for wrong arguments; ends the process with 0 when told to end.
    package static func run(arguments: [String]) -> Int32 {
        let request: DevBrokerRequest
        do {
            request = try DevBrokerRequest(arguments: arguments)
        } catch {
            say(error.description, to: STDERR_FILENO)
            return 2
        }
        guard case .run(let options) = request else {
            write(DevBrokerRequest.helpText, to: STDOUT_FILENO)
            return 0
        }
        signal(SIGPIPE, SIG_IGN)
        let endings = blockEndingSignals()
        do {
            let broker = try EmbeddedBroker(port: options.port, topics: options.topics)
            say("memory only: forgets everything when it ends, keeps 5 MiB per partition. Not for production.")
            say("ready on \(broker.bootstrap)")
            withExtendedLifetime(broker) { () -> Never in
                waitForEnd(signals: endings, untilEndOfInput: options.untilEndOfInput)
                // There is nothing to save, and taking the cluster down in order costs librdkafka a second or more.
                _exit(0)
            }
        } catch {
            say(error.description, to: STDERR_FILENO)
            return 1
        }
    }

    /// A descriptor that turns readable when SIGTERM or SIGINT arrives.
    private static func blockEndingSignals() -> Int32 {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGTERM)
        sigaddset(&set, SIGINT)
        pthread_sigmask(SIG_BLOCK, &set, nil)
        return signalfd(-1, &set, Int32(SFD_CLOEXEC))
    }

    private static func waitForEnd(signals: Int32, untilEndOfInput: Bool) {
        let input = untilEndOfInput ? STDIN_FILENO : -1
        while true {
            var watched = [
                pollfd(fd: signals, events: Int16(POLLIN), revents: 0),
                pollfd(fd: input, events: Int16(POLLIN), revents: 0),
            ]
            let ready = poll(&watched, nfds_t(watched.count), -1)
            if ready < 0 && errno != EINTR { return }
            if watched[0].revents != 0 { return }
            guard watched[1].revents != 0 else { continue }
            var scratch: (UInt64, UInt64) = (0, 0)
            let count = read(STDIN_FILENO, &scratch, MemoryLayout.size(ofValue: scratch))
            if count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN) { return }
        }
    }

    private static func say(_ sentence: String, to descriptor: Int32 = STDOUT_FILENO) {
        write("dev-broker: \(sentence)\n", to: descriptor)
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
