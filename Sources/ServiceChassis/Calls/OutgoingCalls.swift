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

    /// A caller of the service at `url`; `name` is that of the dependency in metrics.
    package func caller(
        _ name: String, _ url: ServiceURL,
        configuration: ServiceCaller.Configuration = ServiceCaller.Configuration()
    ) -> ServiceCaller {
        ServiceCaller(name, url: url, client: client, configuration: configuration, chassis: chassis)
    }
}

extension Chassis {
    /// The way out to other services; make one for all of them.
    package func outgoingCalls() -> OutgoingCalls {
        OutgoingCalls(self)
    }
}
