import Clocks
import HTTPClient
import HTTPCodec
import Testing

/// Deadlines of some tens of milliseconds are real here: libcurl has a clock of its own.
@Suite("HTTP client: deadlines, cancellation, shutdown")
struct DeadlineAndCancellationTests {
    private func silentServer() -> RawServer {
        RawServer { connection in
            connection.readRequest()
            connection.waitForClose()
        }
    }

    /// Returns once the statistics say so, which the loop's thread makes true by itself.
    private func wait(_ client: HTTPClient, until condition: (HTTPClientStatistics) -> Bool) async {
        while !condition(client.statistics) { await Task.yield() }
    }

    @Test("a deadline runs while the request waits for a connection, and says that nothing was sent")
    func deadlineWhileQueued() async throws {
        let server = silentServer()
        defer { server.stop() }
        let client = HTTPClient.make { $0.connectionsPerAuthority = 1 }
        let time = SystemTime()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { _ = try? await client.post(server.url) }
            await wait(client) { $0.running == 1 }
            let begin = time.now
            let error = try await failure { () throws(HTTPClientError) in
                try await client.post(server.url, within: .milliseconds(40))
            }
            let took = begin.duration(to: time.now)
            #expect(error.code == .deadlineExceeded)
            #expect(error.sent == .certainlyNotSent)
            #expect(error.phase == .queued)
            #expect(took >= .milliseconds(40))
            // A second holder would have to finish first if the deadline did not run here.
            #expect(took < .seconds(5))
            group.cancelAll()
        }
        #expect(server.requests.count == 1)
    }

    @Test("a deadline in the past is refused before anything is done")
    func pastDeadline() async throws {
        let server = silentServer()
        defer { server.stop() }
        let client = HTTPClient.make()
        let error = try await failure { () throws(HTTPClientError) in
            try await client.post(server.url, within: .milliseconds(-1))
        }
        #expect(error.code == .deadlineExceeded)
        #expect(error.sent == .certainlyNotSent)
        #expect(server.connectionCount == 0)
    }

    @Test("a full queue is refused at once and by name")
    func queueFull() async throws {
        let server = silentServer()
        defer { server.stop() }
        let client = HTTPClient.make {
            $0.connectionsPerAuthority = 1
            $0.queuedPerAuthority = 1
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<2 { group.addTask { _ = try? await client.post(server.url) } }
            await wait(client) { $0.running == 1 && $0.queued == 1 }
            let error = try await failure { () throws(HTTPClientError) in try await client.post(server.url) }
            #expect(error.code == .queueFull)
            #expect(error.sent == .certainlyNotSent)
            group.cancelAll()
        }
    }

    @Test("a queued request starts when the connection becomes free, in order of arrival")
    func order() async throws {
        let server = RawServer { $0.answerAll() }
        defer { server.stop() }
        let client = HTTPClient.make { $0.connectionsPerAuthority = 1 }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<50 { group.addTask { _ = try? await client.post(server.url) } }
        }
        #expect(server.requests.count == 50)
        #expect(server.connectionCount == 1)
    }

    @Test("cancelling a running request ends it at once, and says that it may have been received")
    func cancelRunning() async throws {
        let server = silentServer()
        defer { server.stop() }
        let client = HTTPClient.make()
        let task = Task { try await client.post(server.url) }
        while server.requests.isEmpty { await Task.yield() }
        let time = SystemTime()
        let begin = time.now
        task.cancel()
        let result = await task.result
        let took = begin.duration(to: time.now)
        guard case .failure(let error as HTTPClientError) = result else {
            Issue.record("answered")
            return
        }
        #expect(error.code == .cancelled)
        #expect(error.sent == .unknown)
        #expect(error.isCancellation)
        // Typically 0.1 ms; the bound leaves room for a busy machine.
        #expect(took < .milliseconds(200))
        await server.waitForClosedConnections()
    }

    @Test("cancelling a queued request gives its place in the queue back")
    func cancelQueued() async throws {
        let server = silentServer()
        defer { server.stop() }
        let client = HTTPClient.make {
            $0.connectionsPerAuthority = 1
            $0.queuedPerAuthority = 1
        }
        let holder = Task { try await client.post(server.url) }
        await wait(client) { $0.running == 1 }
        for _ in 0..<20 {
            let queued = Task { try await client.post(server.url) }
            await wait(client) { $0.queued == 1 }
            queued.cancel()
            guard case .failure(let error as HTTPClientError) = await queued.result else {
                Issue.record("answered")
                return
            }
            #expect(error.code == .cancelled)
            #expect(error.sent == .certainlyNotSent)
        }
        holder.cancel()
        _ = await holder.result
        #expect(client.statistics.queued == 0)
    }

    @Test("a cancellation before the submission is not lost")
    func cancelBefore() async throws {
        let server = silentServer()
        defer { server.stop() }
        let client = HTTPClient.make()
        for _ in 0..<100 {
            let task = Task {
                while !Task.isCancelled { await Task.yield() }
                return try await client.post(server.url)
            }
            task.cancel()
            guard case .failure(let error as HTTPClientError) = await task.result else {
                Issue.record("answered")
                return
            }
            #expect(error.code == .cancelled)
            #expect(error.sent == .certainlyNotSent)
        }
        #expect(server.connectionCount == 0)
    }

    @Test("500 requests cancelled at once all end, and the client goes on")
    func cancelMany() async throws {
        let server = RawServer { connection in
            while let request = connection.readRequest() {
                if request.hasPrefix("GET") { connection.send(body: "ok") }
            }
        }
        defer { server.stop() }
        let client = HTTPClient.make { $0.connectionsPerAuthority = 64 }
        let tasks = (0..<500).map { _ in Task { try await client.post(server.url) } }
        await wait(client) { $0.running == 64 && $0.queued == 436 }
        for task in tasks { task.cancel() }
        for task in tasks {
            guard case .failure(let error as HTTPClientError) = await task.result else {
                Issue.record("answered")
                return
            }
            #expect(error.code == .cancelled)
        }
        #expect(client.statistics.running == 0)
        #expect(client.statistics.queued == 0)
        #expect(try await client.get(server.url).body.text == "ok")
    }

    @Test("a shutdown fails what runs, what waits and what comes later, and closes the connections")
    func shutdown() async throws {
        let server = silentServer()
        defer { server.stop() }
        let client = HTTPClient.make { $0.connectionsPerAuthority = 1 }
        let running = Task { try await client.post(server.url) }
        while server.requests.isEmpty { await Task.yield() }
        let queued = Task { try await client.post(server.url) }
        await wait(client) { $0.queued == 1 }
        await client.shutdown()
        await client.shutdown()
        for (task, sent) in [(running, HTTPClientError.Sent.unknown), (queued, .certainlyNotSent)] {
            guard case .failure(let error as HTTPClientError) = await task.result else {
                Issue.record("answered")
                return
            }
            #expect(error.code == .shutDown)
            #expect(error.sent == sent)
        }
        let late = try await failure { () throws(HTTPClientError) in try await client.post(server.url) }
        #expect(late.code == .shutDown)
        #expect(late.sent == .certainlyNotSent)
        await server.waitForClosedConnections()
    }

    @Test("run ends with its task, and the client with it")
    func run() async throws {
        let client = HTTPClient.make()
        let task = Task { await client.run() }
        task.cancel()
        await task.value
        let error = try await failure { () throws(HTTPClientError) in try await client.get("http://127.0.0.1:1/") }
        #expect(error.code == .shutDown)
    }

    @Test("a client that is let go of closes its connections")
    func release() async throws {
        let server = RawServer { $0.answerAll() }
        defer { server.stop() }
        do {
            let client = HTTPClient.make()
            _ = try await client.get(server.url)
        }
        await server.waitForClosedConnections()
    }

    @Test("authorities do not wait for each other's connections")
    func authorities() async throws {
        let silent = silentServer()
        let quick = RawServer { $0.answerAll() }
        defer {
            silent.stop()
            quick.stop()
        }
        let client = HTTPClient.make { $0.connectionsPerAuthority = 1 }
        let holder = Task { try await client.post(silent.url) }
        await wait(client) { $0.running == 1 }
        #expect(try await client.post(quick.url).status == .ok)
        holder.cancel()
        _ = await holder.result
    }
}
