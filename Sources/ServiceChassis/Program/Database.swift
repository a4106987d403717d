import Clocks
import Postgres
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
        let client = PostgresClient(
            configuration: PostgresConfiguration(settings, applicationName: service), time: time, random: random)
        metrics.observePool {
            let pool = client.statistics
            return StandardMetrics.PoolNumbers(
                idle: pool.idle, busy: pool.busy, connecting: pool.connecting, maximum: pool.maximum)
        }
        metrics.setDependency("database", isHealthy: false)
        let probe: @Sendable () async throws -> Void = { [time, metrics] in
            do throws(PostgresError) {
                _ = try await client.query(Statement("SELECT 1"), deadline: time.now.advanced(by: .seconds(1)))
                metrics.setDependency("database", isHealthy: true)
            } catch {
                // Connections that are all at work say that the database answers; taking a busy service out of
                // rotation would only move its load to the others.
                if case .poolExhausted = error, client.statistics.busy > 0 { return }
                metrics.setDependency("database", isHealthy: false)
                throw error
            }
        }
        health.register(HealthCheck("database", run: probe))
        // The metric has to be true also where nobody asks for health.
        let probing = ClosureService.periodic(
            "database-probe", every: .seconds(2), time: time, logger: logger, probe)
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
