import Clocks
import HTTPCodec
import JSON
import ServiceChassis

/// What drills and tests switch and look at. Whoever reaches these routes can break the provider: never for production.
struct ControlRoutes: Sendable {
    let keeper: LedgerKeeper
    let faults: FaultSwitch
    let metrics: SimulatorMetrics
    let random: any RandomSource

    func add(to router: inout Router) {
        router.get("/control/faults", access: .everyone) { _ in .json(faults.plan.document) }
        router.put("/control/faults", access: .everyone) { context in
            let plan = try context.decode { FaultPlan(&$0, drawnSeed: random.next()) }
            faults.replace(by: plan)
            return .json(plan.document)
        }
        router.delete("/control/faults", access: .everyone) { _ in
            faults.replace(by: FaultPlan(seed: faults.plan.seed))
            return HTTPResponse(status: .noContent)
        }
        router.get("/control/ledger", access: .everyone) { _ in
            let (sums, waiting) = try await keeper.read { ($0.sums, $0.events.count) }
            return .json(Self.document(sums, waitingEvents: waiting, calls: metrics.callsByRoute))
        }
        router.delete("/control/ledger", access: .everyone) { _ in
            guard try await keeper.forget() else {
                throw ProblemDetails(.ledgerBusy, detail: "A request, a charge, a parcel or a webhook is under way.")
            }
            return HTTPResponse(status: .noContent)
        }
    }

    private static func document(
        _ sums: LedgerSums, waitingEvents: Int, calls: [(route: String, count: Int)]
    ) -> [UInt8] {
        var json = JSONWriter(capacity: 1024)
        json.object { json in
            json.object("charges") { json in
                for status in Charge.Status.allCases { json.member(status.rawValue, sums.charges[status] ?? 0) }
            }
            json.object("tombstones") {
                $0.member("charges", sums.chargeTombstones)
                $0.member("bookings", sums.bookingTombstones)
            }
            json.member("refunds", sums.refunds)
            json.object("totals") { json in
                for currency in sums.captured.keys.sorted() {
                    json.name(currency)
                    json.object {
                        $0.member("captured", sums.captured[currency] ?? 0)
                        $0.member("refunded", sums.refunded[currency] ?? 0)
                    }
                }
            }
            json.object("bookings") { json in
                for status in Booking.Status.allCases { json.member(status.rawValue, sums.bookings[status] ?? 0) }
            }
            json.object("duplicates") {
                $0.member("charges", sums.duplicates[.charge] ?? 0)
                $0.member("refunds", sums.duplicates[.refund] ?? 0)
                $0.member("bookings", sums.duplicates[.booking] ?? 0)
            }
            json.object("webhooks") {
                $0.member("pending", waitingEvents)
                $0.member("delivered", sums.deliveredEvents)
                $0.member("abandoned", sums.abandonedEvents)
            }
            json.object("calls") { json in
                for call in calls { json.member(call.route, call.count) }
            }
        }
        return json.bytes
    }
}

extension JSONWriter {
    fileprivate mutating func member(_ name: String, _ count: Int) {
        self.name(name)
        integer(count)
    }
}
