/// Processor time by who used it, in milliseconds.
struct ProcessorTime: Sendable, Equatable {
    var orderService = 0.0
    /// inventory-service, payment-service and shipping-service.
    var otherServices = 0.0
    var broker = 0.0
    /// The server with all its sessions.
    var postgres = 0.0
    /// This process, which places the orders.
    var load = 0.0

    var services: Double { orderService + otherServices }
    /// All that runs for the suite: without the load.
    var suite: Double { services + broker + postgres }

    static func - (left: Self, right: Self) -> Self {
        left.map(right) { $0 - $1 }
    }

    static func / (left: Self, right: Double) -> Self { left.map(left) { value, _ in value / right } }

    private func map(_ other: Self, _ body: (Double, Double) -> Double) -> Self {
        Self(
            orderService: body(orderService, other.orderService),
            otherServices: body(otherServices, other.otherServices), broker: body(broker, other.broker),
            postgres: body(postgres, other.postgres), load: body(load, other.load))
    }
}

/// Which process of the stack is which.
struct StackProcesses: Sendable, Equatable {
    /// By the label of the service's replica.
    var services: [String: Int32]
    var broker: Int32?
    var postgres: Int32?
    /// This process.
    var load: Int32

    /// Adds up what all have used.
    ///
    /// A session of Postgres that ends goes from the living children to those that were waited for; between the two
    /// nothing is lost but what it used after it was read.
    func time(in table: [Int32: ProcessUse]) -> ProcessorTime {
        var time = ProcessorTime()
        func own(_ pid: Int32?) -> Double {
            pid.flatMap { table[$0] }.map { Double($0.own) * ProcessUse.millisecondsPerTick } ?? 0
        }
        for (label, pid) in services {
            if label.hasPrefix("order-service") {
                time.orderService += own(pid)
            } else {
                time.otherServices += own(pid)
            }
        }
        time.broker = own(broker)
        time.load = own(load)
        if let postgres, let server = table[postgres] {
            let sessions = table.values.filter { $0.parent == postgres }.reduce(0) { $0 + $1.own + $1.reaped }
            time.postgres = Double(server.own + server.reaped + sessions) * ProcessUse.millisecondsPerTick
        }
        return time
    }

    /// What tells whether a process was started again between two looks.
    func identities(in table: [Int32: ProcessUse]) -> [String: UInt64] {
        var identities = services.compactMapValues { table[$0]?.start }
        identities["broker"] = broker.flatMap { table[$0]?.start }
        identities["postgres"] = postgres.flatMap { table[$0]?.start }
        return identities
    }
}
