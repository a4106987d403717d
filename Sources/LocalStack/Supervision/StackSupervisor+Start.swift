import Clocks
import HTTPClient
import HTTPCodec

extension StackSupervisor {
    /// Starts everything, in the order in which one needs the other, and returns when all is ready.
    func bringUp(in folder: StackFolder) async throws(StackError) {
        try await waitForPorts()
        let programs = try findPrograms()
        do throws(FileError) { try folder.rotateLogs() } catch { throw .file(error) }

        try await startPostgres(in: folder)
        try await startBroker(programs: programs, folder: folder)
        try await startProxy(programs: programs, folder: folder)
        let client = HTTPClient(time: time)
        do throws(StackError) {
            try await startSimulator(programs: programs, folder: folder, client: client)
            try await startServices(programs: programs, folder: folder, client: client)
            if options.placesSamples { await placeSamples(client) }
        } catch {
            await client.shutdown()
            throw error
        }
        await client.shutdown()
        console.lines(addresses(folder))
        if Task.isCancelled { throw .cancelled }
    }

    /// The children of a supervisor that was killed a moment ago may still hold the ports: they get two seconds.
    private func waitForPorts() async throws(StackError) {
        let deadline = time.now.advanced(by: .seconds(2))
        while true {
            if plan.ports.allSatisfy({ Ports.isFree($0.port) }) { return }
            guard time.now < deadline else {
                throw .portsTaken(
                    plan.conflicts(isFree: Ports.isFree, holder: { PortHolder.find($0)?.description }))
            }
            guard (try? await time.sleep(for: .milliseconds(100))) != nil else { throw .cancelled }
        }
    }

    private func findPrograms() throws(StackError) -> String {
        let own = Files.canonical("/proc/self/exe") ?? ""
        let folder = options.programFolder ?? String(own[..<(own.lastIndex(of: "/") ?? own.startIndex)])
        let needed =
            ["dev-broker", StackPlan.simulatorName] + ServiceName.allCases.map(\.rawValue)
            + (options.allowsDrills ? [StackPlan.faultProxyName] : [])
        let missing = needed.filter { !Files.isExecutable("\(folder)/\($0)") }
        guard missing.isEmpty else { throw .programsMissing(missing, folder: folder) }
        return folder
    }

    private func startPostgres(in folder: StackFolder) async throws(StackError) {
        let account = Account.isRoot ? Account(named: "postgres") ?? Account(named: "nobody") : nil
        let dataFolder = folder.postgresFolder(for: account)
        let isNew = !Files.exists(dataFolder + "/data")
        console.line("holdfast: starting Postgres on port \(plan.postgresPort)" + (isNew ? ", with fresh data" : ""))
        if let account, !dataFolder.hasPrefix(folder.path) {
            console.line(
                "holdfast: its data is in \(dataFolder): the account \(account.name), under which root runs Postgres, "
                    + "may not enter \(folder.path)")
        }
        var configuration = PostgresServerConfiguration(folder: dataFolder, port: plan.postgresPort)
        configuration.user = StackPlan.databaseUser
        configuration.connectionLimit = 60 + plan.services.count * 20
        configuration.sharedBuffersMegabytes = 128
        configuration.furtherSettings = options.postgresSettings
        let server: PostgresServer
        do throws(PostgresServerError) {
            server = try await PostgresServer.start(configuration, time: time)
        } catch {
            throw Task.isCancelled ? .cancelled : .postgres(error)
        }
        let label = "Postgres"
        let control = control(folder)
        let keeper = ProcessKeeper(
            label: label, stopSignal: .interrupt, patience: .seconds(20), time: time,
            start: { [configuration, time] in
                try await control?.waitWhileHeld(StackPlan.postgresName)
                return try await PostgresServer.start(configuration, time: time).process
            },
            observer: { [self] in observe($0, label: label) })
        keep([(keeper, server.process)])
        do throws(PostgresServerError) {
            try await server.createDatabases(ServiceName.allCases.map(\.database))
        } catch {
            throw Task.isCancelled ? .cancelled : .postgres(error)
        }
    }

    private func startSimulator(programs: String, folder: StackFolder, client: HTTPClient) async throws(StackError) {
        let planned = plan.simulator
        console.line("holdfast: starting \(planned.label) on port \(planned.api)")
        if options.providers == .http {
            do throws(FileError) { try folder.makeWebhookSecret(SystemRandom()) } catch { throw .file(error) }
        }
        let keeper = keeper(planned, programs: programs, folder: folder)
        keep([(keeper, nil)])
        try await waitUntilReady(keeper, log: folder.logFile(planned.label)) {
            await Self.readiness(client, port: planned.admin)
        }
    }

    private func startServices(programs: String, folder: StackFolder, client: HTTPClient) async throws(StackError) {
        let names = plan.services.map(\.label).joined(separator: ", ")
        console.line("holdfast: starting \(names)")
        var waiting: [(ProcessKeeper, PlannedService)] = []
        for service in ServiceName.allCases {
            let keepers = plan.services.filter { $0.service == service }.map {
                (keeper($0, programs: programs, folder: folder), $0)
            }
            keep(keepers.map { ($0.0, nil) })
            waiting += keepers
        }
        for (keeper, planned) in waiting {
            try await waitUntilReady(keeper, log: folder.logFile(planned.label)) {
                await Self.readiness(client, port: planned.admin)
            }
        }
    }

    /// Keeps a process with an API running, and its entry in `stack.json` true.
    private func keeper(_ planned: PlannedService, programs: String, folder: StackFolder) -> ProcessKeeper {
        var launch = Launch("\(programs)/\(planned.name)", logFile: folder.logFile(planned.label))
        launch.environment = planned.environment
        launch.withheld = StackOptions.variables
        let control = control(folder)
        return ProcessKeeper(
            label: planned.label, patience: Self.drainPatience, time: time,
            start: { [launch] in
                try await control?.waitWhileHeld(planned.label)
                var launch = launch
                launch.environment.merge(control?.environment(planned.label) ?? [:]) { $1 }
                return try await ChildProcess.start(launch)
            },
            observer: { [self] event in
                observe(event, label: planned.label)
                guard case .started(let pid, _) = event else { return }
                record(planned, pid: pid, in: folder)
            })
    }

    /// A little more than the services' own limit for draining.
    static var drainPatience: Duration { .seconds(25) }
}
