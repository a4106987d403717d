import CLinux
import Clocks
import Glibc

/// The program `dev-broker`: arguments in, exit status out.
package enum DevBrokerCommand {
    /// Runs the broker until it is told to end.
    ///
    /// Serves on the thread that calls it, which must be the program's only one: the signals that end it are blocked.
    ///
    /// - Returns: 0 when told to end, 1 when the broker did not start, 2 for wrong arguments.
    package static func run(arguments: [String]) -> Int32 {
        let request: DevBrokerRequest
        do {
            request = try DevBrokerRequest(arguments: arguments)
        } catch {
            say(error.description, to: STDERR_FILENO)
            return 2
        }
        let options: DevBrokerOptions
        switch request {
        case .run(let asked): options = asked
        case .createTopics(let bootstrap, let topics): return create(topics, at: bootstrap)
        case .help:
            write(DevBrokerRequest.helpText, to: STDOUT_FILENO)
            return 0
        }
        signal(SIGPIPE, SIG_IGN)
        let endings = blockEndingSignals()
        do {
            let seed = UInt32(truncatingIfNeeded: SystemRandom().next())
            let broker = try BrokerLoop(port: options.port, topics: options.topics, time: SystemTime(), seed: seed) {
                say($0)
            }
            say("memory only: forgets everything when it ends, keeps 16 MiB per partition. Not for production.")
            say("ready on \(broker.bootstrap)")
            broker.run(signals: endings, untilEndOfInput: options.untilEndOfInput)
            return 0
        } catch {
            say(error.description, to: STDERR_FILENO)
            return 1
        }
    }

    private static func create(_ topics: [TopicSpecification], at bootstrap: String) -> Int32 {
        do throws(TopicCreationError) {
            let made = try TopicCreation.run(topics, at: bootstrap)
            say("made \(made) of \(topics.count) topics at \(bootstrap), the others were there")
            return 0
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
