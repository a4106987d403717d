import Clocks
import HTTPClient
import HTTPCodec

/// Asks the service running on this machine for its health, for containers and scripts.
enum HealthCommand {
    /// Prints the answer; the exit code is 0 when the service is up.
    static func run(
        _ probe: ServiceCommand.HealthProbe, host: String, port: Int, time: any TimeSource
    ) async -> Int32 {
        let authority = reachable(host).contains(":") ? "[\(reachable(host))]:\(port)" : "\(reachable(host)):\(port)"
        let client = HTTPClient(time: time)
        let request = HTTPClientRequest(.get, url: "http://\(authority)/health/\(probe.rawValue)")
        do {
            let response = try await client.execute(request, deadline: time.now.advanced(by: .seconds(3)))
            Output.write(String(decoding: response.body, as: UTF8.self) + "\n")
            return response.status == .ok ? ExitCode.success : ExitCode.failure
        } catch {
            Output.complain("no answer from the admin port: \(error)")
            return ExitCode.failure
        }
    }

    /// An address that stands for all of the machine's own is asked as the loopback one.
    private static func reachable(_ host: String) -> String {
        switch host {
        case "0.0.0.0": "127.0.0.1"
        case "::": "::1"
        default: host
        }
    }
}
