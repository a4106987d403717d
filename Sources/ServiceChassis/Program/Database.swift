import Clocks
import Postgres
import Resilience
import Telemetry

/// A service's database: the client to work with, and the two parts that open the list of services.
package struct Database: Sendable {
    package let client: PostgresClient
    /// Owns the connections; the first part in the list, so that it closes last.
    package let pool: any Service
    /// Brings the schema up to date, waiting for the server if need be; ready once that is done.
    package let schema: any Service
}

extension Chassis {
    /// How to reach the database these settings name, as this service.
    package func postgresConfiguration(_ settings: DatabaseSettings) -> PostgresConfiguration {
        PostgresConfiguration(settings, applicationName: service)
    }

    /// The database these settings name, with its health checks and metrics connected.
    package func database(_ settings: DatabaseSettings, migrations: [Migration]) -> Database {
        let breaker = circuitBreaker("database", .database)
        let client = PostgresClient(
            configuration: PostgresConfiguration(settings, applicationName: service), breaker: breaker, time: time,
            random: random, observer: CallObserver(metrics, logger).observe,
            watch: tracer.transactions(of: settings.url.database))
        metrics.observeBulkhead(client.bulkhead)
        metrics.observePool {
            let pool = client.statistics
            return StandardMetrics.PoolNumbers(
                idle: pool.idle, busy: pool.busy, connecting: pool.connecting, maximum: pool.maximum)
        }
        metrics.setDependency("database", isHealthy: false)
        let probe = DatabaseProbe(client: client, breaker: breaker, metrics: metrics, time: time, logger: logger)
        health.register(HealthCheck("database") { try await probe.ask() })
        // The metric has to be true also where nobody asks for health.
        let probing = ClosureService.untilCancelled("database-probe") { await probe.run() }
        let pool = ClosureService("database-pool") { life in
            try await probing.run(life)
            client.close()
        }
        let schema = SchemaService(
            migrator: Migrator(client, migrations), patience: nil, time: time, logger: logger)
        health.register(
            HealthCheck("migrations") {
                guard schema.isCurrent else { throw HealthCheckFailure("the schema is not up to date yet") }
            })
        return Database(client: client, pool: pool, schema: schema)
    }
}

extension PostgresConfiguration {
    init(_ settings: DatabaseSettings, applicationName: String) {
        self.init(
            host: settings.url.host, port: settings.url.port, user: settings.url.user,
            password: settings.url.password?.reveal(), database: settings.url.database,
            applicationName: applicationName)
        maximumConnections = settings.poolSize
        acquireTimeout = settings.acquireTimeout
        connectTimeout = settings.connectTimeout
        statementTimeout = settings.statementTimeout
        // Beyond that the circuit breaker keeps callers away.
        maximumBackoff = .milliseconds(250)
    }
}

extension CircuitBreakerConfiguration {
    /// Quick to open and quick to look again: every failed connect says the same, and a database that is back has to be
    /// in use about a second later.
    static var database: CircuitBreakerConfiguration {
        var configuration = CircuitBreakerConfiguration()
        configuration.window = .time(.seconds(10))
        configuration.consecutiveFailures = 5
        configuration.openTime = .exponential(base: .milliseconds(250), factor: 2, cap: .seconds(1), jitter: 0.2)
        // One answer is proof enough; the second place is for when the first probe is a slow statement.
        configuration.permittedProbes = 2
        configuration.probeSuccessRatio = 0.5
        configuration.maximumHalfOpenWait = .seconds(5)
        return configuration
    }
}

extension ServiceProcess {
    /// Applies the migrations and answers with the process's exit code.
    func migrate(_ settings: DatabaseSettings, _ migrations: [Migration]) async -> Int32 {
        let client = PostgresClient(
            configuration: PostgresConfiguration(settings, applicationName: "\(chassis.service)-migrate"),
            time: chassis.time, random: chassis.random)
        let schema = SchemaService(
            migrator: Migrator(client, migrations), patience: .seconds(60), time: chassis.time, logger: chassis.logger)
        do {
            try await schema.apply()
            client.close()
            await close()
            return ExitCode.success
        } catch {
            client.close()
            chassis.logger.error("migrations failed", ["error": .error(error)])
            await close()
            return ExitCode.failure
        }
    }
}

extension Tracer {
    /// A span for each transaction of work whose trace is sampled; nothing where spans go nowhere.
    fileprivate func transactions(of database: String) -> PostgresClient.Watch? {
        guard isExporting else { return nil }
        return {
            // What no request or message has led to, such as the upkeep of tables, is in nobody's trace.
            guard let parent = TraceContext.current, parent.isSampled else { return nil }
            let span = start(
                "transaction \(database)", kind: .client, parent: parent,
                attributes: [
                    SpanAttribute("db.system.name", "postgresql"), SpanAttribute("db.namespace", .text(database)),
                ])
            return { error in span.end(error.map { .error($0.description) } ?? .unset) }
        }
    }
}
