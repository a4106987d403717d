import Clocks
import HTTPClient
import Telemetry

/// Both sides of who is who: how callers are known to this service, and this service to those it calls.
package struct Identities: Sendable {
    package let authenticator: Authenticator
    /// What this service calls others with; nil when nobody is asked.
    let own: ServiceIdentity?
    /// To be started behind the admin port and before everything that is called or calls.
    package let parts: [any Service]

    init(
        _ settings: AuthenticationSettings, service: String, time: any TimeSource, random: any RandomSource,
        logger: Logger, metrics: StandardMetrics, health: HealthRegistry, files: FileReader = .system
    ) {
        guard settings.mode == .jwt else {
            authenticator = .off(time: time, logger: logger)
            own = nil
            parts = []
            return
        }
        let client: HTTPClient?
        let source: (any KeySource)?
        switch settings.keys {
        case .url(let url):
            let made = Self.client(time)
            (client, source) = (made, URLKeySource(url: url, client: made, time: time))
        case .file(let path):
            (client, source) = (nil, FileKeySource(file: WatchedFile(path, files: files, time: time)))
        case nil:
            (client, source) = (nil, nil)
        }
        var configuration = KeyRing.Configuration()
        configuration.interval = settings.refreshInterval
        let ring = KeyRing(
            secrets: [settings.secret, settings.previousSecret].compactMap { $0 }, source: source,
            configuration: configuration, time: time, random: random, logger: logger
        ) { metrics.setDependency("token-keys", isHealthy: $0) }
        authenticator = Authenticator(
            ring, rules: settings.rules, time: time, logger: logger,
            refusals: metrics.registry.counter(
                "auth_refusals_total", help: "Requests not admitted, by what was wrong with their token.",
                labels: ["reason"], constants: ["service": service]))
        if let file = settings.tokenFile {
            own = ServiceIdentity(
                service, file: WatchedFile(file, files: files, time: time), time: time, logger: logger)
        } else {
            own = settings.secret.map {
                ServiceIdentity(service, mint: TokenMint($0, rules: settings.rules), time: time, logger: logger)
            }
        }
        var parts: [any Service] = []
        if source != nil {
            metrics.setDependency("token-keys", isHealthy: false)
            health.register(
                HealthCheck("token-keys") {
                    guard ring.isComplete else { throw HealthCheckFailure("the token keys have not been loaded yet") }
                })
            parts.append(Self.part("token-keys", client) { await ring.run(ready: $0) })
        }
        if settings.tokenFile != nil, let own {
            parts.append(Self.part("service-token", nil) { await own.run(ready: $0) })
        }
        self.parts = parts
    }

    /// Key sets are small; what is not is none.
    private static func client(_ time: any TimeSource) -> HTTPClient {
        var configuration = HTTPClientConfiguration()
        configuration.bodyLimit = 1 << 20
        configuration.connectionsPerAuthority = 1
        return HTTPClient(configuration: configuration, time: time)
    }

    private static func part(
        _ name: String, _ client: HTTPClient?, _ run: @escaping @Sendable (_ ready: () -> Void) async -> Void
    ) -> any Service {
        ClosureService(name) { life in
            await withTaskGroup { group in
                group.addTask { await run { life.ready() } }
                group.addTask { await life.stopRequested() }
                await group.next()
                group.cancelAll()
            }
            await client?.shutdown()
        }
    }
}
