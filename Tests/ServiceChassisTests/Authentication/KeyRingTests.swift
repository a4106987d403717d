import Clocks
import HTTPCodec
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import ServiceChassis

@Suite("Key ring", .timeLimit(.minutes(1)))
struct KeyRingTests {
    struct Away: Error {}

    /// A source that answers what the test wants, and counts how often it was asked.
    final class Source: KeySource {
        let name = "the test"
        private let state = Mutex((document: String?.none, count: 0))
        let asked = Recorder<Int>()

        init(_ document: String?) { state.withLock { $0.document = document } }

        var count: Int { state.withLock { $0.count } }
        func set(_ document: String?) { state.withLock { $0.document = document } }

        func fetch(within limit: Duration) async throws -> [UInt8] {
            let (document, count) = state.withLock { state in
                state.count += 1
                return (state.document, state.count)
            }
            asked.record(count)
            guard let document else { throw Away() }
            return Array(document.utf8)
        }
    }

    /// A set with the first of the fixtures' keys alone: `rsa-1`.
    static var firstKey: String {
        let end = TokenFixtures.keySet.firstIndex(of: "}").map { TokenFixtures.keySet[...$0] } ?? ""
        return end + "]}"
    }

    static func ring(
        _ source: Source, time: any TimeSource, loads: Recorder<Bool> = Recorder(), secrets: [HMACKey] = []
    ) -> KeyRing {
        KeyRing(
            secrets: secrets, source: source, time: time, random: SeededRandom(seed: 3), logger: .silent
        ) { loads.record($0) }
    }

    @Test("it is ready once the keys are there, keeps them when a load fails, and takes new ones")
    func life() async throws {
        let time = TestTime()
        let source = Source(nil)
        let loads = Recorder<Bool>()
        let ready = Recorder<String>()
        let ring = Self.ring(source, time: time, loads: loads)
        let running = Task { await ring.run { ready.record("ready") } }
        // Without keys it tries every second.
        let retry = try await time.nextTimerScheduled()
        #expect(time.now.duration(to: retry) == .seconds(1))
        #expect(!ring.isComplete && ready.events.isEmpty)
        source.set(Self.firstKey)
        time.advance(to: retry)
        await ready.wait(for: "ready")
        #expect(ring.isComplete && ring.current.keys.count == 1)
        // The next load is five minutes later, give or take a tenth.
        let refresh = try await time.nextTimerScheduled()
        #expect((Duration.seconds(270)...Duration.seconds(330)).contains(time.now.duration(to: refresh)))
        source.set("nonsense")
        time.advance(to: refresh)
        let afterFailure = try await time.nextTimerScheduled()
        #expect(time.now.duration(to: afterFailure) == .seconds(30))
        #expect(ring.isComplete && ring.current.keys.count == 1)
        source.set(TokenFixtures.keySet)
        time.advance(to: afterFailure)
        _ = try await time.nextTimerScheduled()
        #expect(ring.current.keys.count == 3)
        #expect(loads.events == [false, true, false, true])
        running.cancel()
        await running.value
    }

    @Test("the generation grows with new keys alone")
    func generation() async {
        let source = Source(Self.firstKey)
        let ring = Self.ring(source, time: TestTime(), secrets: [TokenForge.key])
        let atFirst = ring.current.generation
        await ring.load()
        let loaded = ring.current
        #expect(loaded.generation > atFirst)
        #expect(loaded.keys.count == 2)
        await ring.load()
        #expect(ring.current.generation == loaded.generation)
        source.set(TokenFixtures.keySet)
        await ring.load()
        #expect(ring.current.generation > loaded.generation)
    }

    @Test("a token by an unknown key loads the keys once, and the next ones not before 30 s are over")
    func demands() async throws {
        let time = TestTime()
        let source = Source(Self.firstKey)
        let ring = Self.ring(source, time: time)
        await ring.load()
        let authenticator = TokenForge.authenticator(ring, time: time)
        let byNewKey = TokenForge.bearer(TokenFixtures.good.first { $0.name == "rs256Second" }?.token ?? "")
        let byNobody = TokenForge.bearer(TokenFixtures.bad.first { $0.name == "rs256ByUnknownKey" }?.token ?? "")
        source.set(TokenFixtures.keySet)
        // Too soon after the load at the start: refused, nobody is asked.
        await #expect(throws: AccessDenial.self) {
            try await authenticator.admit(byNewKey, to: .anyClient, route: "/")
        }
        #expect(source.count == 1)
        time.advance(by: .seconds(31))
        #expect(try await authenticator.admit(byNewKey, to: .anyClient, route: "/").clientID == "c-1")
        #expect(source.count == 2)
        for _ in 0..<20 {
            await #expect(throws: AccessDenial.self) {
                try await authenticator.admit(byNobody, to: .anyClient, route: "/")
            }
        }
        #expect(source.count == 2)
        time.advance(by: .seconds(31))
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask { _ = try? await authenticator.admit(byNobody, to: .anyClient, route: "/") }
            }
        }
        #expect(source.count == 3)
    }

    @Test("a token that names a key there is, or the secret's algorithm, never loads the keys")
    func noDemand() async {
        let time = TestTime()
        let source = Source(TokenFixtures.keySet)
        let ring = Self.ring(source, time: time)
        await ring.load()
        time.advance(by: .seconds(3600))
        let authenticator = TokenForge.authenticator(ring, time: time)
        for (name, token) in TokenFixtures.bad where name != "rs256ByUnknownKey" && name != "rs256BySmallKey" {
            _ = try? await authenticator.admit(TokenForge.bearer(token), to: .anyClient, route: "/")
        }
        #expect(source.count == 1)
    }

    @Test("while the keys are not there a token by one of them is 503, not 401; one by the secret is accepted")
    func incomplete() async throws {
        let ring = Self.ring(Source(nil), time: TestTime(), secrets: [TokenForge.key])
        let authenticator = TokenForge.authenticator(ring)
        let byKey = TokenForge.bearer(TokenFixtures.good.first { $0.name == "rs256" }?.token ?? "")
        let denial = await #expect(throws: AccessDenial.self) {
            try await authenticator.admit(byKey, to: .anyClient, route: "/")
        }
        #expect(denial == .keysUnavailable)
        #expect(denial?.problem.type == .dependencyUnavailable)
        let bySecret = TokenForge.bearer(TokenForge.token("c-9", ""))
        #expect(try await authenticator.admit(bySecret, to: .anyClient, route: "/").clientID == "c-9")
    }
}
