import Clocks
import Glibc
import HTTPCodec
import HTTPServer
import Testing

@Suite("Serving", .timeLimit(.minutes(1)))
struct ServingTests {
    @Test("a connection serves one request after another")
    func keepAlive() async throws {
        try await withServer(handler: { text($0.target) }) { server, port in
            let client = try Client(port: port)
            for number in 1...5 {
                client.get("/\(number)")
                let answer = try await client.answer()
                #expect(answer.status == 200 && answer.text == "/\(number)")
                #expect(answer.fields["Date"] != nil && answer.fields["Connection"] == nil)
            }
            #expect(server.statistics.acceptedConnections == 1)
            #expect(server.statistics.requests == 5)
            #expect(server.statistics.requestsInFlight == 0)
        }
    }

    @Test("pipelined requests are answered in order, one at a time, whether their handlers suspend or not")
    func pipelining() async throws {
        let running = Box(0)
        let most = Box(0)
        let handler: HTTPHandler = { request in
            running.update { $0 += 1 }
            most.update { $0 = max($0, running.value) }
            if request.target.utf8.count % 2 == 0 { await hop() }
            running.update { $0 -= 1 }
            return text(request.target)
        }
        try await withServer(handler: handler) { _, port in
            let client = try Client(port: port)
            let targets = (0..<100).map { "/" + String(repeating: "x", count: $0 % 7) + "\($0)" }
            client.send(targets.map { "GET \($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined())
            for target in targets { #expect(try await client.answer().text == target) }
        }
        #expect(most.value == 1)
    }

    @Test("a body of a megabyte comes back whole")
    func largeBody() async throws {
        try await withServer(handler: { HTTPResponse(contentType: "x/y", bytes: $0.body) }) { _, port in
            let client = try Client(port: port)
            let body = (0..<1_048_576).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n"
            async let sent = client.sendAll(Array(head.utf8) + body)
            #expect(try await client.answer().body == body)
            _ = await sent
        }
    }

    @Test("an answer far larger than any socket buffer arrives whole")
    func largeAnswer() async throws {
        let body = [UInt8](repeating: 0x61, count: 20_000_000)
        try await withServer(handler: { _ in HTTPResponse(contentType: "x/y", bytes: body) }) { _, port in
            let client = try Client(port: port)
            client.get("/")
            #expect(try await client.answer().body.count == body.count)
        }
    }

    @Test("a refused client that keeps sending can read the answer")
    func refusedWhileSending() async throws {
        try await withServer(handler: { _ in text("never") }) { server, port in
            let client = try Client(port: port)
            let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n"
            _ = await client.sendAll(Array(head.utf8) + [UInt8](repeating: 0x61, count: 3_000_000))
            let answer = try await client.answer()
            #expect(answer.status == 413)
            #expect(answer.text.contains("urn:holdfast:problem:payload-too-large"))
            #expect(try await client.readToEnd() == "")
            #expect(server.statistics.refused == 1 && server.statistics.requests == 0)
        }
    }

    @Test("a hundred clients at once each get their own answers")
    func manyClients() async throws {
        let handler: HTTPHandler = { request in
            if request.target.utf8.count % 3 == 0 { await hop() }
            return text(request.target)
        }
        try await withServer(handler: handler) { server, port in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<100 {
                    group.addTask {
                        let client = try Client(port: port)
                        for turn in 0..<10 {
                            client.get("/\(number)/\(turn)")
                            #expect(try await client.answer().text == "/\(number)/\(turn)")
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(server.statistics.requests == 1000)
            #expect(server.statistics.abandoned == 0)
        }
    }

    @Test("at the limit of connections further clients wait until one leaves")
    func connectionLimit() async throws {
        var configuration = HTTPServerConfiguration(host: "127.0.0.1")
        configuration.connectionLimit = 2
        try await withServer(configuration, handler: { text($0.target) }) { server, port in
            let first = try Client(port: port)
            let second = try Client(port: port)
            first.get("/1")
            second.get("/2")
            _ = try await first.answer()
            _ = try await second.answer()
            let third = try Client(port: port)
            third.get("/3")
            second.get("/again")
            _ = try await second.answer()
            #expect(server.statistics.acceptedConnections == 2)
            first.endSending()
            #expect(try await third.answer().text == "/3")
            #expect(server.statistics.acceptedConnections == 3)
        }
    }

    @Test("an admin server answers while the handlers of the other server block its thread")
    func independentServers() async throws {
        let release = Box(false)
        let stuck: HTTPHandler = { _ in
            while !release.value { sched_yield() }
            return text("late")
        }
        try await withServer(handler: stuck) { _, apiPort in
            try await withServer(handler: { _ in text("up") }) { _, adminPort in
                let api = try Client(port: apiPort)
                api.get("/")
                let admin = try Client(port: adminPort)
                for _ in 0..<10 {
                    admin.get("/health/live")
                    #expect(try await admin.answer().text == "up")
                }
                release.update { $0 = true }
                #expect(try await api.answer().text == "late")
            }
        }
    }

    @Test("the observer hears of every answer and every refusal")
    func observer() async throws {
        let events = Box<[HTTPServerEvent]>([])
        let handler: HTTPHandler = { request in
            HTTPResponse(status: .created, body: .bytes(request.body + request.body))
        }
        try await withServer(observer: { event in events.update { $0.append(event) } }, handler: handler) { _, port in
            let client = try Client(port: port)
            client.send("POST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")
            _ = try await client.answer()
            client.send("nonsense\r\n")
            _ = try await client.answer()
        }
        #expect(events.value.count == 2)
        guard case .answered(let exchange) = events.value.first else {
            Issue.record("the first event is no answer")
            return
        }
        #expect(exchange.method == .post && exchange.target == "/a?b" && exchange.status == .created)
        #expect(exchange.requestBytes == 2 && exchange.responseBytes == 4 && exchange.duration >= .zero)
        guard case .refused(.malformed) = events.value.last else {
            Issue.record("the second event is no refusal")
            return
        }
    }

    @Test("a head that drips past its deadline gets 408 from the server's own timer")
    func timer() async throws {
        let clock = HandClock()
        try await withServer(time: clock, handler: { text($0.target) }) { _, port in
            let slow = try Client(port: port)
            slow.send("GET / HTTP/1.1\r\n")
            let other = try Client(port: port)
            other.get("/before")
            #expect(try await other.answer().text == "/before")
            slow.send("Host:")
            clock.advance(by: .seconds(10))
            // Any event makes the loop look at its clock.
            other.get("/after")
            #expect(try await other.answer().text == "/after")
            let answer = try await slow.answer()
            #expect(answer.status == 408)
        }
    }
}
