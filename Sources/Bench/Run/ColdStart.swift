import Clocks
import HTTPClient
import HTTPCodec
import LocalStack

/// Starts one more replica of each service and times it until it says that it is ready.
struct ColdStart: Sendable {
    let stack: BenchStack
    let options: BenchOptions
    let time: any TimeSource

    /// - Returns: seconds by service.
    func run() async throws -> [String: Double] {
        var more = stack.options
        for service in ServiceName.allCases { more.replicas[service] = stack.options.replicaCount(service) + 1 }
        var seconds: [String: Double] = [:]
        for service in ServiceName.allCases {
            guard
                let planned = StackPlan(more).services.last(where: { $0.service == service })
            else { continue }
            seconds[service.rawValue] = try await start(planned)
        }
        return seconds
    }

    private func start(_ planned: PlannedService) async throws -> Double {
        var launch = Launch(
            "\(stack.programs)/\(planned.name)", logFile: "\(stack.folder)/logs/\(planned.label).log")
        launch.environment = planned.environment.merging(BenchStack.environment(options)) { $1 }
        launch.withheld = StackOptions.variables
        let client = HTTPClient(time: time)
        let began = time.now
        let process = try await ChildProcess.start(launch)
        let request = HTTPClientRequest(
            .get, url: "http://127.0.0.1:\(planned.admin)/health/ready", fields: HTTPFields())
        let isReady = await Waiting.until(within: .seconds(30), every: .milliseconds(2), time: time) {
            guard process.ended == nil else { return true }
            // Before it listens a connection is refused at once.
            let answer = try? await client.execute(request, deadline: time.now.advanced(by: .seconds(2)))
            return answer?.status == .ok
        }
        let took = began.duration(to: time.now).inSeconds
        await client.shutdown()
        let hasEnded = process.ended != nil
        await process.stop(patience: .seconds(25))
        guard isReady, !hasEnded else {
            throw BenchError(
                "\(planned.label) was not ready after 30 s: \(process.lastLines(3).joined(separator: "; "))")
        }
        return took
    }
}
