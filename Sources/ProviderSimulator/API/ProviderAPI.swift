import Clocks
import ServiceChassis

/// Everything on the API port: the provider, the carrier, and the switches.
struct ProviderAPI: Sendable {
    let keeper: LedgerKeeper
    let faults: FaultSwitch
    let metrics: SimulatorMetrics
    let time: any TimeSource
    let random: any RandomSource

    func add(to router: inout Router) {
        let gate = RequestGate(keeper: keeper, faults: faults, metrics: metrics, time: time)
        ChargeRoutes(keeper: keeper, faults: faults, gate: gate, time: time).add(to: &router)
        BookingRoutes(keeper: keeper, faults: faults, gate: gate, time: time).add(to: &router)
        ControlRoutes(keeper: keeper, faults: faults, metrics: metrics, random: random).add(to: &router)
    }
}
