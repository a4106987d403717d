import Clocks

extension StackSupervisor {
    /// What drills steer the children by; nil unless they are allowed.
    func control(_ folder: StackFolder) -> ChildControl? {
        options.allowsDrills ? ChildControl(folder: folder.controlFolder, time: time) : nil
    }

    /// Starts fault-proxy when drills are allowed; before the services, whose connections all go through it.
    func startProxy(programs: String, folder: StackFolder) async throws(StackError) {
        guard options.allowsDrills else { return }
        do throws(FileError) { try control(folder)?.prepare() } catch { throw .file(error) }
        let (name, port) = (StackPlan.faultProxyName, options.port(.faultProxy))
        console.line("holdfast: starting \(name) on port \(port), with \(plan.links.count) links: drills are allowed")
        var launch = Launch(
            "\(programs)/\(name)", ["--control", String(port)] + plan.links.flatMap { ["--link", $0.argument] },
            logFile: folder.logFile(name))
        launch.withheld = StackOptions.variables
        let keeper = ProcessKeeper(
            label: name, patience: Self.drainPatience, time: time,
            start: { [launch] in try await ChildProcess.start(launch) },
            observer: { [self] event in
                observe(event, label: name)
                guard case .started(let pid, _) = event else { return }
                recordProxy(pid, in: folder)
            })
        keep([(keeper, nil)])
        try await waitUntilReady(keeper, log: launch.logFile) {
            Ports.accepts(port) ? nil : "port \(port) is not open yet"
        }
    }

    private func recordProxy(_ pid: Int32, in folder: StackFolder) {
        state.withLock { state in
            let account = Account.isRoot ? Account(named: "postgres") ?? Account(named: "nobody") : nil
            state.drills = StackFile.Drills(
                proxy: pid, proxyURL: StackPlan.url(options.port(.faultProxy)), control: folder.controlFolder,
                postgresData: folder.postgresFolder(for: account),
                brokerData: options.broker == .kafka ? folder.brokerFolder : nil, links: plan.links)
        }
        writeFile(in: folder)
    }
}
