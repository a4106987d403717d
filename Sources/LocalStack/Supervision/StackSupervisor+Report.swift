import Clocks
import HTTPClient

extension StackSupervisor {
    /// Stocks the catalogue, places the sample orders and tells what became of them.
    func placeSamples(_ client: HTTPClient) async {
        let samples = SampleOrders(
            client: client, inventory: "http://127.0.0.1:\(options.port(.api(.inventory)))",
            orders: "http://127.0.0.1:\(options.port(.api(.order)))", time: time, random: SystemRandom())
        do throws(SampleError) {
            try await samples.stockCatalogue()
            let reports = try await samples.place()
            console.line("holdfast: three sample orders")
            for report in reports {
                console.line()
                console.lines(report.lines)
            }
            console.line()
        } catch {
            // The stack is up all the same, and who started it can see what is wrong with it.
            if !Task.isCancelled { console.line("holdfast: the sample orders went wrong: \(error)") }
        }
    }

    /// Where everything listens.
    func addresses(_ folder: StackFolder) -> [String] {
        var table = TextTable(head: ["service", "API", "health and metrics"], indent: "  ")
        for planned in plan.processes.sorted(by: { $0.api < $1.api }) {
            table.append([
                planned.label, "http://127.0.0.1:\(planned.api)",
                "http://127.0.0.1:\(planned.admin)/health/ready, /metrics",
            ])
        }
        table.append([
            "Postgres", "psql -h 127.0.0.1 -p \(plan.postgresPort) -U \(StackPlan.databaseUser) orders",
        ])
        let kind = options.broker == .kafka ? "Apache Kafka" : "Kafka protocol, memory only"
        table.append(["broker", "127.0.0.1:\(plan.brokerPort) (\(kind))"])
        if options.allowsDrills {
            table.append([
                StackPlan.faultProxyName, "http://127.0.0.1:\(options.port(.faultProxy))/links, POST /reset heals",
            ])
        }
        table.append(["logs", folder.logFolder])
        return table.lines + ["  try: curl -s 'http://127.0.0.1:\(options.port(.api(.order)))/v1/orders?limit=3'"]
    }
}
