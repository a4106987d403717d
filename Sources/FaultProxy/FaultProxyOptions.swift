/// What the command line of `fault-proxy` asks for.
package struct FaultProxyOptions: Hashable, Sendable {
    /// The IPv4 address that links and control API listen on.
    package var host = "127.0.0.1"
    package var controlPort = 20_000
    package var links: [LinkSpecification] = []
    package var seed: UInt64 = 1

    package init() {}

    package static let helpText = """
        Usage: fault-proxy [--listen ADDRESS] [--control PORT] [--seed N] --link NAME=PORT:TARGET ...
               fault-proxy health [PORT]

        A TCP proxy for drills: whoever connects to a link's port is passed on to its target, and what happens on the
        way is switched over HTTP. Without faults it passes everything at once.

          --link NAME=PORT:TARGET   a link; TARGET is a port of 127.0.0.1, or HOST:PORT with an IPv4 address or a name.
                                    With :kafka behind it the target is a Kafka broker: the port it advertises is
                                    replaced by the link's own, so that clients stay behind the proxy. :kafka:HOST where
                                    it advertises another host, which has to be the proxy's
          --listen ADDRESS          an IPv4 address for links and switches (default 127.0.0.1; 0.0.0.0 for all)
          --control PORT            where the switches are (default 20000; 0 takes any free port)
          --seed N                  what connections and jitter are drawn with (default 1)
          --help                    this text

          GET  /links                             all links with their faults and counts
          GET  /links/NAME                        one link
          GET | PUT | DELETE /links/NAME/upstream    what is done to requests
          GET | PUT | DELETE /links/NAME/downstream  what is done to answers
          POST /reset                             heal everything

        PUT takes a JSON object; what is left out is as without faults:
          latencyMilliseconds, jitterMilliseconds   bytes are so long on the way, their order kept
          bytesPerSecond                            how many pass in a second
          cutAfterBytes, cutWith ("close"|"reset")  ends a connection after so many bytes; with 0 downstream the
                                                    request is carried out and its answer lost
          halfClose                                 ends this direction, the other one goes on
          blackHole                                 nothing passes; what was sent waits and passes once healed
          reset                                     resets every connection at once
          refuse                                    refuses new connections (upstream alone)
          share                                     the share of connections concerned, 0 to 1 (default 1)

        Prints "fault-proxy: ready on ADDRESS:PORT" when it listens. SIGTERM and SIGINT end it. Whoever reaches the
        switches may use them. health ends with 0 when something listens on the control port, else with 1.

        """
}

/// What a command line asks for.
package enum FaultProxyRequest: Hashable, Sendable {
    case run(FaultProxyOptions)
    /// Whether something listens on the control port.
    case health(port: Int)
    case help
}

/// A command line that cannot be followed.
package struct FaultProxyUsageError: Error, Hashable, CustomStringConvertible {
    /// One sentence: what is wrong and what would be right.
    package let description: String
}

extension FaultProxyRequest {
    /// Reads the arguments after the program's name.
    package init(arguments: [String]) throws(FaultProxyUsageError) {
        var options = FaultProxyOptions()
        var rest = arguments[...]
        if rest.first == "health" {
            guard rest.count <= 2, let port = rest.count == 1 ? 20_000 : UInt16(rest[1]), port > 0 else {
                throw FaultProxyUsageError(description: "health takes the control port, 1 to 65535, or nothing.")
            }
            self = .health(port: Int(port))
            return
        }
        while let argument = rest.popFirst() {
            switch argument {
            case "--help", "-h":
                self = .help
                return
            case "--listen":
                guard let text = rest.popFirst(), Self.isAddress(text) else {
                    throw FaultProxyUsageError(description: "--listen needs an IPv4 address, such as 0.0.0.0.")
                }
                options.host = text
            case "--control":
                guard let text = rest.popFirst(), let port = UInt16(text) else {
                    throw FaultProxyUsageError(description: "--control needs a port from 0 to 65535.")
                }
                options.controlPort = Int(port)
            case "--seed":
                guard let text = rest.popFirst(), let seed = UInt64(text) else {
                    throw FaultProxyUsageError(description: "--seed needs a number from 0 to \(UInt64.max).")
                }
                options.seed = seed
            case "--link":
                guard let text = rest.popFirst(), let link = LinkSpecification(text) else {
                    throw FaultProxyUsageError(
                        description: "--link needs NAME=PORT:TARGET-PORT or NAME=PORT:TARGET-HOST:TARGET-PORT, with "
                            + ":kafka behind it for a broker; the host is an IPv4 address or a name.")
                }
                guard !options.links.contains(where: { $0.name == link.name }) else {
                    throw FaultProxyUsageError(description: "--link \(link.name) is given twice.")
                }
                options.links.append(link)
            default:
                throw FaultProxyUsageError(description: "Unknown argument \"\(argument)\"; see fault-proxy --help.")
            }
        }
        guard !options.links.isEmpty else {
            throw FaultProxyUsageError(description: "Name at least one --link; see fault-proxy --help.")
        }
        self = .run(options)
    }

    private static func isAddress(_ text: String) -> Bool {
        let numbers = text.split(separator: ".", omittingEmptySubsequences: false)
        return numbers.count == 4 && numbers.allSatisfy { UInt8($0) != nil }
    }
}
