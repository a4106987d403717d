import Clocks
import HTTPCodec
import HTTPServer
import Telemetry

extension Chassis {
    /// The API port with these routes; last in the list, so that it listens only once everything else is ready.
    ///
    /// - Throws: when the port cannot be had; it is reserved now, so that this shows before anything has started.
    package func api(_ router: Router) throws(HTTPServerError) -> any Service {
        let load = LoadLimit(settings.load, time: time)
        if let load { metrics.observeLoad { load.snapshot } }
        let handler = RequestHandler(
            router, authenticator: identities.authenticator, load: load, faults: faults,
            deadline: settings.requestDeadline, time: time, logger: logger, tracer: tracer, metrics: metrics)
        var configuration = HTTPServerConfiguration(host: settings.host, port: settings.port)
        configuration.connectionLimit = settings.connectionLimit
        configuration.threadName = "api"
        let refused = RouteMetrics(metrics)
        // The rest of the drain time belongs to the parts behind the API: consumers, the outbox, the pool.
        return try listener("api", configuration, patience: settings.drain * 0.75, refused: refused, handler)
    }

    /// The admin port: health, metrics, effective settings; first in the list, so that probes are always answered.
    func admin(_ effective: [SettingsReader.Effective]) throws(HTTPServerError) -> any Service {
        var router = AdminRoutes.router(health: health, registry: metrics.registry, settings: effective)
        CircuitBreakerRoutes(breakers, logger: logger).add(to: &router)
        for extra in adminRoutes.all { router.add(extra) }
        DeadLetterRoutes(deadLetters, logger: logger).add(to: &router)
        if faults.isEnabled { FaultRoutes(faults, logger: logger).add(to: &router) }
        let handler = RequestHandler(
            router, authenticator: identities.authenticator, deadline: .seconds(10), time: time, logger: logger,
            tracer: .disabled(time: time, random: random), metrics: nil)
        var configuration = HTTPServerConfiguration(host: settings.host, port: settings.adminPort)
        configuration.connectionLimit = 128
        configuration.threadName = "admin"
        return try listener("admin", configuration, patience: .seconds(1), refused: nil, handler)
    }

    private func listener(
        _ name: String, _ configuration: HTTPServerConfiguration, patience: Duration, refused: RouteMetrics?,
        _ handler: RequestHandler
    ) throws(HTTPServerError) -> HTTPListener {
        let server = try HTTPServer(
            configuration: configuration, time: time,
            observer: { event in
                guard case .refused(let refusal) = event else { return }
                refused?.recordRefusal(refusal.status)
            },
            handler: { await handler.handle($0) })
        let port = try server.bind()
        logger.debug("port reserved", ["listener": .text(name), "port": .count(port)])
        return HTTPListener(name, server: server, patience: patience, time: time)
    }
}
