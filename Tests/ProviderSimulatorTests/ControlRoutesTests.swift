import Clocks
import Testing

@testable import ProviderSimulator

@Suite("API: control", .timeLimit(.minutes(2)))
struct ControlRoutesTests {
    @Test("faults are put in force, shown and switched off")
    func faults() async throws {
        try await ProviderFixture.run { provider async throws in
            let set = try await provider.ask(
                "PUT", "/control/faults", body: #"{"seed":5,"charges":{"errorRate":1,"errorStatuses":[502]}}"#)
            #expect(set.status == 200 && set.json?["charges"]?["errorRate"]?.double == 1)
            #expect(try await provider.ask("GET", "/control/faults").body == set.body)
            #expect(try await provider.charge("k").status == 502)
            #expect(try await provider.ask("DELETE", "/control/faults").status == 204)
            #expect(try await provider.ask("GET", "/control/faults").body == #"{"seed":5}"#)
            #expect(try await provider.charge("k").status == 201)
        }
    }

    @Test("a plan with mistakes is refused with all of them, and the old one stays")
    func invalid() async throws {
        try await ProviderFixture.run { provider async throws in
            _ = try await provider.ask("PUT", "/control/faults", body: #"{"seed":5}"#)
            let answer = try await provider.ask(
                "PUT", "/control/faults",
                body: #"{"charges":{"errorRate":2,"oops":1},"queries":{"lies":[]},"webhooks":{"resetRate":0.1}}"#)
            #expect(answer.status == 422 && answer.slug == "validation-failed")
            #expect(
                answer.pointers == [
                    "#/charges/errorRate", "#/charges/oops", "#/queries/lies", "#/webhooks/resetRate",
                ])
            #expect(provider.faults.plan == FaultPlan(seed: 5))
        }
    }

    @Test("the ledger's sums are what happened")
    func sums() async throws {
        try await ProviderFixture.run(.telling) { provider async throws in
            for (key, token) in [("a", "tok_ok"), ("b", "tok_ok"), ("c", "tok_declined"), ("p", "tok_pending")] {
                _ = try await provider.charge(key, token)
            }
            _ = try await provider.charge("a")
            _ = try await provider.ask("POST", "/v1/charges/b/reversal")
            _ = try await provider.ask("POST", "/v1/charges/t/reversal")
            _ = try await provider.book("s")
            let ledger = try await provider.ask("GET", "/control/ledger")
            #expect(
                ledger.body == #"{"charges":{"pending":1,"captured":1,"declined":1,"reversed":1},"#
                    + #""tombstones":{"charges":1,"bookings":0},"refunds":0,"#
                    + #""totals":{"EUR":{"captured":7996,"refunded":3998}},"#
                    + #""bookings":{"booked":1,"refused":0,"cancelled":0,"dispatched":0,"delivered":0},"#
                    + #""duplicates":{"charges":1,"refunds":0,"bookings":0},"#
                    + #""webhooks":{"pending":5,"delivered":0,"abandoned":0},"#
                    + #""calls":{"POST /v1/bookings":1,"POST /v1/charges":5,"POST /v1/charges/{key}/reversal":2}}"#)
        }
    }

    @Test("the ledger is forgotten at rest only")
    func forget() async throws {
        try await ProviderFixture.run { provider async throws in
            _ = try await provider.charge("k", "tok_pending")
            let busy = try await provider.ask("DELETE", "/control/ledger")
            #expect(busy.status == 409 && busy.slug == "ledger-busy")
            provider.time.advance(by: .seconds(3))
            try await provider.keeper.change { $0.advance(to: $1, random: $2) }
            #expect(try await provider.ask("DELETE", "/control/ledger").status == 204)
            #expect(try await provider.ask("GET", "/v1/charges/k").status == 404)
            #expect(try await provider.keeper.read { $0.sums } == LedgerSums())
            #expect(try await provider.charge("k").status == 201)
        }
    }

    @Test("what waits to be told keeps the ledger")
    func waitingEvents() async throws {
        try await ProviderFixture.run(.telling) { provider async throws in
            _ = try await provider.charge("k")
            #expect(try await provider.ask("DELETE", "/control/ledger").slug == "ledger-busy")
        }
    }

    @Test("statuses that are reached are counted")
    func metrics() async throws {
        try await ProviderFixture.run { provider async throws in
            _ = try await provider.charge("a")
            _ = try await provider.charge("a")
            _ = try await provider.ask("POST", "/v1/charges/a/reversal")
            _ = try await provider.book("s", country: "AQ")
            let text = String(decoding: provider.registry.text(), as: UTF8.self)
            for line in [
                #"charges_total{service="provider-simulator",status="captured"} 1"#,
                #"charges_total{service="provider-simulator",status="reversed"} 1"#,
                #"bookings_total{service="provider-simulator",status="refused"} 1"#,
                #"bookings_total{service="provider-simulator",status="booked"} 0"#,
                "# TYPE provider_faults_injected_total counter",
            ] {
                #expect(text.contains(line + "\n"), "\(line)")
            }
        }
    }
}
