import Clocks
import Glibc
import HTTPCodec
import Testing

/// Each fault seen on real sockets. Times are only bounded from below: a busy machine is late, never early.
@Suite("The fault proxy", .timeLimit(.minutes(2)))
struct ProxyTests {
    private let time = SystemTime()

    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test("passes everything on unchanged, both ways and to the end")
    func passes() async throws {
        try await ProxyFixture.run { fixture in
            let (client, server) = try await fixture.connect()
            let much = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
            async let sent: Void = client.send(much)
            #expect(try await server.receive(much.count) == much)
            try await sent
            client.endSending()
            #expect(try await server.receive(1) == [])
            try await server.send(bytes("answer"))
            server.endSending()
            #expect(try await client.receive(100) == bytes("answer"))
        }
    }

    @Test("reaches a target by its name, and resets where the name is nobody's")
    func names() async throws {
        try await ProxyFixture.run(targetHost: "localhost") { fixture in
            let (client, server) = try await fixture.connect()
            try await client.send([1])
            #expect(try await server.receive(1) == [1])
        }
        try await ProxyFixture.run(targetHost: "nobody.invalid") { fixture in
            let client = try RawSocket.connect(fixture.port)
            await #expect(throws: (any Error).self) { try await client.receive(1) }
            #expect(try await fixture.counts()["unreachable"] == 1)
        }
    }

    @Test("delays each direction by its own latency")
    func latency() async throws {
        try await ProxyFixture.run { fixture in
            let (client, server) = try await fixture.connect()
            try await fixture.put("upstream", #"{"latencyMilliseconds":60}"#)
            try await fixture.put("downstream", #"{"latencyMilliseconds":90}"#)
            let start = time.now
            try await client.send([1])
            _ = try await server.receive(1)
            #expect(start.duration(to: time.now) >= .milliseconds(60))
            let turn = time.now
            try await server.send([2])
            _ = try await client.receive(1)
            #expect(turn.duration(to: time.now) >= .milliseconds(90))
        }
    }

    @Test("healing lets go at once of what a latency of minutes held back")
    func heals() async throws {
        try await ProxyFixture.run { fixture in
            let (client, server) = try await fixture.connect()
            try await fixture.put("upstream", #"{"latencyMilliseconds":600000}"#)
            try await client.send([1, 2])
            client.endSending()
            #expect(try await server.isSilent(milliseconds: 50))
            try await fixture.heal()
            #expect(try await server.receive(10) == [1, 2])
        }
    }

    @Test("lets no more than its bandwidth pass")
    func bandwidth() async throws {
        try await ProxyFixture.run { fixture in
            let (client, server) = try await fixture.connect()
            try await fixture.put("downstream", #"{"bytesPerSecond":50000}"#)
            let start = time.now
            try await server.send([UInt8](repeating: 7, count: 20_000))
            #expect(try await client.receive(20_000).count == 20_000)
            // What passes at once at the beginning, a fiftieth of a second's worth, is not paced.
            #expect(start.duration(to: time.now) >= .milliseconds(380))
        }
    }

    @Test("loses the answer of a request that was carried out")
    func losesAnswer() async throws {
        try await ProxyFixture.run { fixture in
            let (client, server) = try await fixture.connect()
            try await fixture.put("downstream", #"{"cutAfterBytes":0}"#)
            try await client.send(bytes("request"))
            #expect(try await server.receive(7) == bytes("request"))
            try await server.send(bytes("answer"))
            #expect(try await client.receive(6) == [])
            #expect(try await fixture.counts()["cut"] == 1)
        }
    }

    @Test("cuts after so many bytes with a reset")
    func cuts() async throws {
        try await ProxyFixture.run { fixture in
            let (client, server) = try await fixture.connect()
            try await fixture.put("upstream", #"{"cutAfterBytes":4,"cutWith":"reset"}"#)
            try await client.send(bytes("request"))
            await #expect(throws: RawSocket.Failure(code: ECONNRESET)) {
                // What came before the reset may be read or be lost with it.
                while try await !server.receive(1).isEmpty {}
            }
            await #expect(throws: RawSocket.Failure(code: ECONNRESET)) { try await client.receive(1) }
        }
    }

    @Test("resets open connections and new ones")
    func resets() async throws {
        try await ProxyFixture.run { fixture in
            let (client, server) = try await fixture.connect()
            try await fixture.put("downstream", #"{"reset":true}"#)
            await #expect(throws: RawSocket.Failure(code: ECONNRESET)) { try await client.receive(1) }
            await #expect(throws: RawSocket.Failure(code: ECONNRESET)) { try await server.receive(1) }
            let next = try RawSocket.connect(fixture.port)
            await #expect(throws: RawSocket.Failure(code: ECONNRESET)) { try await next.receive(1) }
        }
    }

    @Test("half-closes one direction while the other one goes on")
    func halfCloses() async throws {
        try await ProxyFixture.run { fixture in
            let (client, server) = try await fixture.connect()
            try await fixture.put("upstream", #"{"halfClose":true}"#)
            #expect(try await server.receive(1) == [])
            try await server.send(bytes("late"))
            #expect(try await client.receive(4) == bytes("late"))
        }
    }

    @Test("swallows one direction as a black hole, and gives it back once healed")
    func blackHole() async throws {
        try await ProxyFixture.run { fixture in
            let (client, server) = try await fixture.connect()
            try await fixture.put("upstream", #"{"blackHole":true}"#)
            try await client.send(bytes("request"))
            try await server.send(bytes("hello"))
            #expect(try await client.receive(5) == bytes("hello"), "the other way is open")
            #expect(try await server.isSilent(milliseconds: 50))
            try await fixture.heal()
            #expect(try await server.receive(7) == bytes("request"))
        }
    }

    @Test("does not trouble the target with connections that a black hole swallows")
    func blackHoleHidesConnections() async throws {
        try await ProxyFixture.run { fixture in
            try await fixture.put("upstream", #"{"blackHole":true}"#)
            let client = try RawSocket.connect(fixture.port)
            try await client.send(bytes("late"))
            #expect(try await fixture.target.isSilent(milliseconds: 50))
            try await fixture.heal()
            let server = try await fixture.target.accept()
            #expect(try await server.receive(4) == bytes("late"))
        }
    }

    @Test("holds a sender up instead of taking everything into memory")
    func backPressure() async throws {
        try await ProxyFixture.run { fixture in
            let (client, server) = try await fixture.connect()
            try await fixture.put("upstream", #"{"blackHole":true}"#)
            let much = [UInt8](repeating: 3, count: 20_000_000)
            async let sent: Void = client.send(much)
            while try await fixture.counts()["upstreamBytes"] != 262_144 { await Task.yield() }
            #expect(try await server.isSilent(milliseconds: 50))
            #expect(try await fixture.counts()["upstreamBytes"] == 262_144)
            try await fixture.heal()
            #expect(try await server.receive(much.count).count == much.count)
            try await sent
        }
    }

    @Test("refuses new connections while open ones go on, and takes them again once healed")
    func refuses() async throws {
        try await ProxyFixture.run { fixture in
            let (client, server) = try await fixture.connect()
            try await fixture.put("upstream", #"{"refuse":true}"#)
            #expect(throws: RawSocket.Failure(code: ECONNREFUSED)) { try RawSocket.connect(fixture.port) }
            try await client.send([5])
            #expect(try await server.receive(1) == [5])
            try await fixture.heal()
            let (again, _) = try await fixture.connect()
            try await again.send([6])
        }
    }

    @Test("resets clients whose target cannot be reached")
    func unreachable() async throws {
        try await ProxyFixture.run { fixture in
            shutdown(fixture.target.descriptor, Int32(SHUT_RDWR))
            let client = try RawSocket.connect(fixture.port)
            await #expect(throws: RawSocket.Failure(code: ECONNRESET)) { try await client.receive(1) }
            #expect(try await fixture.counts()["unreachable"] == 1)
            #expect(try await fixture.counts()["open"] == 0)
        }
    }

    @Test("concerns a share of the connections, the same ones for the same seed")
    func share() async throws {
        func pattern(_ seed: UInt64) async throws -> [Bool] {
            let (patterns, continuation) = AsyncStream<[Bool]>.makeStream()
            try await ProxyFixture.run(seed: seed) { fixture in
                try await fixture.put("upstream", #"{"halfClose":true,"share":0.5}"#)
                var pattern: [Bool] = []
                for _ in 0..<24 {
                    let (client, server) = try await fixture.connect()
                    try await client.send([1])
                    pattern.append(try await server.receive(1).isEmpty)
                }
                continuation.yield(pattern)
            }
            for await pattern in patterns { return pattern }
            return []
        }
        let first = try await pattern(7)
        #expect(Set(first) == [true, false])
        #expect(try await pattern(7) == first)
        #expect(try await pattern(8) != first)
    }

    @Test("puts its own port where a broker tells its clients the one it listens on")
    func kafka() async throws {
        try await ProxyFixture.run(isKafka: true) { fixture in
            let (client, server) = try await fixture.connect()
            func address(_ port: Int) -> [UInt8] {
                bytes("127.0.0.1") + [0, 0, UInt8(port >> 8), UInt8(port & 0xFF)]
            }
            let told = fixture.targetPort
            try await server.send(address(told) + [1])
            #expect(try await client.receive(14) == address(fixture.port) + [1])
            try await client.send(address(told))
            #expect(try await server.receive(13) == address(told), "what clients say stays as it is")
        }
    }

    @Test(
        "says what is wrong with a switch",
        arguments: [
            ("PUT", "/links/link/upstream", #"{"latency":1}"#, 422),
            ("PUT", "/links/link/upstream", #"{"latencyMilliseconds":-1}"#, 422),
            ("PUT", "/links/link/upstream", #"{"share":2}"#, 422),
            ("PUT", "/links/link/downstream", #"{"refuse":true}"#, 422),
            ("PUT", "/links/link/upstream", "no", 400), ("PUT", "/links/other/upstream", "{}", 404),
            ("PUT", "/links/link/sideways", "{}", 404), ("POST", "/links/link/upstream", "{}", 405),
            ("GET", "/links/other", nil, 404), ("GET", "/reset", nil, 405), ("GET", "/", nil, 404),
        ] as [(String, String, String?, Int)])
    func refusesSwitches(method: String, path: String, body: String?, status: Int) async throws {
        try await ProxyFixture.run { fixture in
            let response = try await fixture.call(HTTPMethod(method), path, body)
            #expect(response.status.code == status)
        }
    }

    @Test("tells of every link, its faults and its counts")
    func reports() async throws {
        try await ProxyFixture.run { fixture in
            try await fixture.put("upstream", #"{"latencyMilliseconds":5,"jitterMilliseconds":2}"#)
            let response = try await fixture.call(.get, "/links")
            let text = String(decoding: response.body, as: UTF8.self)
            #expect(text.contains(#""name":"link","port":\#(fixture.port)"#))
            #expect(text.contains(#""latencyMilliseconds":5,"jitterMilliseconds":2"#))
            let deleted = try await fixture.call(.delete, "/links/link/upstream")
            #expect(deleted.status.code == 204)
            let faults = try await fixture.call(.get, "/links/link/upstream")
            #expect(String(decoding: faults.body, as: UTF8.self).contains(#""latencyMilliseconds":0"#))
        }
    }
}
