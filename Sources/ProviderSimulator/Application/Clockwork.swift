import Clocks
import Synchronization
import Telemetry

/// Does what is due: captures, dispatches, delivers, and tells.
final class Clockwork: Sendable {
    /// How many messages are under way at once.
    static let deliveryLimit = 32

    private let keeper: LedgerKeeper
    private let sender: any WebhookSender
    private let faults: FaultSwitch
    private let metrics: SimulatorMetrics
    private let time: any TimeSource
    private let logger: Logger
    private let underWay = Mutex(0)

    init(
        _ keeper: LedgerKeeper, sender: any WebhookSender, faults: FaultSwitch, metrics: SimulatorMetrics,
        time: any TimeSource, logger: Logger
    ) {
        self.keeper = keeper
        self.sender = sender
        self.faults = faults
        self.metrics = metrics
        self.time = time
        self.logger = logger
    }

    /// Works until cancelled; messages under way are then given up, and told again after the next start.
    ///
    /// - Throws: ``JournalError`` when the ledger cannot be written any more.
    func run() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            while await keeper.wakeUp.wait(until: nextInstant, time: time) {
                try await keeper.change { $0.advance(to: $1, random: $2) }
                let room = Self.deliveryLimit - underWay.withLock { $0 }
                guard room > 0 else { continue }
                let claimed = try await keeper.change { ledger, now, _ in
                    ledger.claimDeliveries(now: now, limit: room)
                }
                for event in claimed {
                    underWay.withLock { $0 += 1 }
                    group.addTask { try await self.deliver(event) }
                }
            }
            group.cancelAll()
        }
    }

    /// When to look next. With no room for more messages their ends wake us.
    private var nextInstant: MonotonicInstant {
        guard underWay.withLock({ $0 }) < Self.deliveryLimit, let due = keeper.nextDue else {
            return time.now.advanced(by: .seconds(1))
        }
        // The wall clock may jump: looking again within a second bounds what that can do.
        return time.now.advanced(by: min(max(.zero, time.wallNow.duration(to: due)), .seconds(1)))
    }

    private func deliver(_ event: WebhookEvent) async throws {
        defer {
            underWay.withLock { $0 -= 1 }
            keeper.wakeUp.notify()
        }
        let decision = event.isPrepared ? .none : faults.decideWebhook()
        if decision.isLost {
            metrics.count(.abandoned)
            try await keeper.change { ledger, _, _ in ledger.abandon(event.id) }
            return
        }
        if decision.delay > .zero {
            try await keeper.change { ledger, now, _ in
                ledger.postpone(event.id, until: now.advanced(by: decision.delay))
            }
            return
        }
        let isDelivered = await sender.send(event)
        if Task.isCancelled { return }
        if isDelivered, decision.isDoubled {
            metrics.count(.duplicate)
            _ = await sender.send(event)
        }
        let isGivenUp = try await keeper.change { ledger, now, random in
            ledger.deliveryEnded(event.id, isDelivered: isDelivered, now: now, random: random)
        }
        metrics.count(isDelivered ? .delivered : isGivenUp ? .abandoned : .failed)
        if isGivenUp {
            logger.warning("webhook given up", ["event": .text(event.id), "type": .text(event.type)])
        }
    }
}
