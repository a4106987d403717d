import Clocks
import Testing

@testable import Load

@Suite("Load plan")
struct LoadPlanTests {
    @Test("arguments are read")
    func reading() throws {
        let plan = try LoadPlan(arguments: [
            "--clients", "64", "--duration", "2m", "--mix", "ok=9,declined=1", "--orders",
            "http://a:1/,http://b:2", "--warm-up", "500ms", "--count", "700", "--repeat", "0.05",
        ])
        #expect(plan.count == 700 && plan.repeatShare == 0.05)
        #expect(
            plan.pace == .closed(clients: 64) && plan.duration == .seconds(120) && plan.warmUp == .milliseconds(500))
        #expect(plan.mix.shares == [.ok: 9, .declined: 1] && plan.orders == ["http://a:1", "http://b:2"])
    }

    @Test(
        "what cannot be followed is refused, and named",
        arguments: [
            (["--rate", "0"], "--rate"), (["--rate"], "--rate"), (["--fast", "1"], "--fast"),
            (["--duration", "soon"], "--duration"), (["--mix", "good=1"], "good=1"), (["--mix", "ok=0"], "--mix"),
            (["--count", "0"], "--count"), (["--repeat", "1.5"], "--repeat"),
            (["--orders", "ftp://x"], "--orders"), (["--hot", "2"], "--hot"),
            (["--duration", "2s", "--warm-up", "3s"], "--warm-up"),
        ])
    func refused(arguments: [String], name: String) {
        let error = #expect(throws: LoadPlanError.self) { try LoadPlan(arguments: arguments) }
        #expect(error?.description.contains(name) == true)
    }

    @Test("an open loop's orders are due at its rate, and a ramp reaches it in its time")
    func moments() {
        var plan = LoadPlan()
        plan.pace = .open(perSecond: 100)
        #expect(plan.moment(of: 0) == .zero && plan.moment(of: 250) == .seconds(2.5))
        plan.ramp = .seconds(10)
        // Half as many as at the full rate.
        let due = (0..<2000).prefix { plan.moment(of: $0) < .seconds(10) }.count
        #expect((499...501).contains(due))
        let later = (0..<2000).prefix { plan.moment(of: $0) < .seconds(12) }.count
        #expect((699...701).contains(later))
    }

    @Test("a mix has its shares, and the same seed the same orders")
    func mix() throws {
        var mix = OrderMix()
        mix.shares = try OrderMix.shares("ok=3,declined=1")
        mix.hotShare = 0.5
        func bodies(_ seed: UInt64) -> [String] {
            let random = SeededRandom(seed: seed)
            return (0..<2000).map { String(decoding: mix.body($0, random), as: UTF8.self) }
        }
        let all = bodies(4)
        let declined = all.count { $0.contains("tok_declined") }
        let hot = all.count { $0.contains(OrderMix.hotItem) }
        #expect((420...580).contains(declined) && (900...1100).contains(hot))
        #expect(all == bodies(4) && all != bodies(5))
    }
}
