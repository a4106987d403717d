import Clocks
import Testing

@testable import ProviderSimulator

@Suite("API: bookings", .timeLimit(.minutes(2)))
struct BookingRoutesTests {
    @Test("a booking is answered whole, and its repeat with 200")
    func book() async throws {
        try await ProviderFixture.run { provider async throws in
            let answer = try await provider.book("s")
            let booking = try #require(try await provider.booking(of: "s"))
            #expect(answer.status == 201)
            #expect(
                answer.body == #"{"id":"\#(booking.id)","key":"s","status":"booked","reason":null,"reference":"o-1","#
                    + #""createdAt":"2026-01-01T00:00:00.000Z","updatedAt":"2026-01-01T00:00:00.000Z"}"#)
            let repeated = try await provider.book("s")
            #expect(repeated.status == 200 && repeated.body == answer.body)
            #expect(try await provider.book("s", country: "FR").slug == "idempotency-key-reused")
            #expect(try await provider.ask("GET", "/v1/bookings/s").body == answer.body)
            #expect(try await provider.ask("GET", "/v1/bookings/t").status == 404)
            #expect(try await provider.ask("GET", "/v1/bookings").json?["items"]?.count == 1)
        }
    }

    @Test("where the carrier does not go a booking is refused")
    func refused() async throws {
        try await ProviderFixture.run { provider async throws in
            let answer = try await provider.book("s", country: "AQ")
            #expect(answer.status == 201 && answer.json?["status"]?.string == "refused")
            #expect(answer.json?["reason"]?.string == "destination-not-served")
            #expect(try await provider.ask("POST", "/v1/bookings/s/confirmation").slug == "booking-refused")
            let cancelled = try await provider.ask("POST", "/v1/bookings/s/cancellation")
            #expect(cancelled.status == 200 && cancelled.json?["status"]?.string == "refused")
        }
    }

    @Test("what is wrong with a booking is named")
    func invalid() async throws {
        try await ProviderFixture.run { provider async throws in
            let answer = try await provider.ask(
                "POST", "/v1/bookings", key: "s",
                body: #"{"shipTo":{"name":"A","street":"B","city":"C","postalCode":"1","country":"de"},"lines":[]}"#)
            #expect(answer.status == 422)
            #expect(answer.pointers == ["#/shipTo/country", "#/lines", "#/reference"])
        }
    }

    @Test("a confirmed booking is dispatched; from then on it cannot be cancelled")
    func dispatched() async throws {
        try await ProviderFixture.run { provider async throws in
            _ = try await provider.book("s")
            #expect(try await provider.ask("POST", "/v1/bookings/unknown/confirmation").status == 404)
            #expect(try await provider.ask("POST", "/v1/bookings/s/confirmation", body: "{}").status == 200)
            provider.time.advance(by: .seconds(5))
            try await provider.keeper.change { $0.advance(to: $1, random: $2) }
            #expect(try await provider.ask("GET", "/v1/bookings/s").json?["status"]?.string == "dispatched")
            let late = try await provider.ask("POST", "/v1/bookings/s/cancellation")
            #expect(late.status == 409 && late.slug == "already-dispatched")
        }
    }

    @Test("cancelling is idempotent, also before the booking comes")
    func cancelled() async throws {
        try await ProviderFixture.run { provider async throws in
            _ = try await provider.book("s")
            let cancelled = try await provider.ask("POST", "/v1/bookings/s/cancellation")
            #expect(cancelled.status == 200 && cancelled.json?["status"]?.string == "cancelled")
            #expect(try await provider.ask("POST", "/v1/bookings/s/cancellation").body == cancelled.body)
            #expect(try await provider.ask("POST", "/v1/bookings/s/confirmation").slug == "booking-cancelled")
            #expect(try await provider.book("s").json?["status"]?.string == "cancelled")

            #expect(try await provider.ask("POST", "/v1/bookings/early/cancellation").status == 200)
            let late = try await provider.book("early")
            #expect(late.status == 409 && late.slug == "booking-cancelled")
        }
    }
}
