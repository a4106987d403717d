import Clocks
import HTTPClient

/// The way out to other services: one HTTP client, and a caller for each service.
package struct OutgoingCalls: Sendable {
    /// Ends the client's connections; stands before everything that calls.
    package let part: any Service
    private let client: HTTPClient
    private let chassis: Chassis

    init(_ chassis: Chassis) {
        let client = HTTPClient(time: chassis.time)
        self.client = client
        self.chassis = chassis
        part = ClosureService("http-client") { life in
            life.ready()
            await life.stopRequested()
            await client.shutdown()
        }
    }

    /// A caller of another service of the suite at these endpoints, which is shown who calls; `name` is that of the
    /// dependency in metrics. A second caller of the same service has a breaker of another name, and draws on the same
    /// retry budget.
    ///
    /// - Throws: `PipelineConfigurationError` when the configuration contradicts itself.
    package func peer(
        _ name: String, breaker: String? = nil, _ endpoints: [ServiceURL],
        configuration: ServiceCaller.Configuration = ServiceCaller.Configuration()
    ) throws -> ServiceCaller {
        try ServiceCaller(
            name, breakerName: breaker, endpoints: endpoints, client: client, identity: chassis.identities.own,
            configuration: configuration, chassis: chassis)
    }

    /// A caller of a service that is none of ours, and so must never get a token of ours.
    ///
    /// - Throws: `PipelineConfigurationError` when the configuration contradicts itself.
    package func caller(
        _ name: String, _ endpoints: [ServiceURL],
        configuration: ServiceCaller.Configuration = ServiceCaller.Configuration()
    ) throws -> ServiceCaller {
        try ServiceCaller(
            name, endpoints: endpoints, client: client, identity: nil, configuration: configuration, chassis: chassis)
    }
}

extension Chassis {
    /// The way out to other services; make one for all of them.
    package func outgoingCalls() -> OutgoingCalls {
        OutgoingCalls(self)
    }
}
