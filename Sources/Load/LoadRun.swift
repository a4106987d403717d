import Clocks
import HTTPClient
import HTTPCodec
import JSON
import Synchronization

/// Puts load on a running stack and follows every order to its outcome.
package struct LoadRun: Sendable {
    /// Why a run cannot begin.
    package struct NotPossible: Error, CustomStringConvertible {
        package var description: String
    }

    /// More orders than this under way are not sent: the client would measure itself.
    private static let mostUnderWay = 20_000

    private let plan: LoadPlan
    private let client: HTTPClient
    private let time: any TimeSource
    private let random: SeededRandom
    /// Tells this run's keys from those of another with the same seed.
    private let name: String
    private let say: @Sendable (String) -> Void

    /// - Parameter say: gets a line a second while the load runs.
    package init(_ plan: LoadPlan, time: any TimeSource, name: String, say: @escaping @Sendable (String) -> Void) {
        self.plan = plan
        self.time = time
        self.name = name
        self.say = say
        var configuration = HTTPClientConfiguration()
        configuration.connectionsPerAuthority = 256
        configuration.idleConnections = 256 * plan.orders.count
        configuration.queuedPerAuthority = Self.mostUnderWay
        client = HTTPClient(configuration: configuration, time: time)
        random = SeededRandom(seed: plan.seed)
    }

    /// Runs the whole plan.
    ///
    /// - Throws: ``NotPossible`` when the catalogue cannot be made or events cannot be followed.
    package func run() async throws -> LoadReport {
        do {
            try await stockCatalogue()
            let report = try await place()
            await client.shutdown()
            return report
        } catch {
            await client.shutdown()
            throw error
        }
    }

    /// Makes the items and their stock, which ``place()`` needs.
    package func stock() async throws {
        do {
            try await stockCatalogue()
            await client.shutdown()
        } catch {
            await client.shutdown()
            throw error
        }
    }

    /// Runs the plan on a stack whose catalogue is there: nothing but orders.
    package func placeOnly() async throws -> LoadReport {
        do {
            let report = try await place()
            await client.shutdown()
            return report
        } catch {
            await client.shutdown()
            throw error
        }
    }

    // MARK: Before

    private func stockCatalogue() async throws {
        for item in plan.mix.catalogue {
            let url = plan.inventory + "/v1/items/\(item.sku)"
            let present = try await call(.get, url)
            if present.status == .notFound {
                let body = #"{"name":"Load item","unitPrice":{"amount":100,"currency":"EUR"}}"#
                let put = try await call(.put, url, body)
                guard put.status.code < 300 else { throw refusal(url, put) }
            } else if present.status != .ok {
                throw refusal(url, present)
            }
            let available = (try? JSONDocument(parsing: present.body))?.root["available"]?.int64 ?? 0
            guard item.isStocked, available < 1_000_000 else { continue }
            let receipt = try await call(
                .post, url + "/receipts", #"{"quantity":1000000}"#, [("Idempotency-Key", "\(name)-stock-\(item.sku)")])
            guard receipt.status == .created else { throw refusal(url, receipt) }
        }
    }

    private func refusal(_ url: String, _ response: HTTPClientResponse) -> NotPossible {
        NotPossible(
            description:
                "\(url) answers \(response.status.code): \(String(decoding: response.body.prefix(300), as: UTF8.self))")
    }

    private func call(
        _ method: HTTPMethod, _ url: String, _ body: String? = nil, _ fields: [(String, String)] = []
    ) async throws -> HTTPClientResponse {
        do {
            return try await client.execute(
                request(method, url, body.map { Array($0.utf8) }, fields),
                deadline: time.now.advanced(by: .seconds(10)))
        } catch {
            throw NotPossible(description: "\(url) cannot be called: \(error)")
        }
    }

    private func request(
        _ method: HTTPMethod, _ url: String, _ body: [UInt8]?, _ more: [(String, String)]
    ) -> HTTPClientRequest {
        var fields = HTTPFields()
        if body != nil { fields.append("Content-Type", "application/json") }
        if let token = plan.token { fields.append("Authorization", "Bearer \(token)") }
        for (name, value) in more { fields.append(name, value) }
        return HTTPClientRequest(method, url: url, fields: fields, body: body)
    }

    // MARK: Load

    private func place() async throws -> LoadReport {
        let box = LedgerBox()
        let follower = EventFollower(urls: plan.orders, token: plan.token) { box.ledger?.heard($0) }
        let following = Task { await follower.run() }
        defer { follower.stop() }
        let patience = time.now.advanced(by: .seconds(5))
        while !follower.isFollowing {
            guard time.now < patience else {
                throw NotPossible(description: "\(plan.orders[0])/v1/events cannot be followed")
            }
            try await time.sleep(for: .milliseconds(20))
        }
        let start = time.now
        let ledger = LoadLedger(start: start, warmUp: plan.warmUp, time: time)
        box.ledger = ledger
        let end = start.advanced(by: plan.duration)
        let reporting = Task { await report(ledger, from: start) }
        switch plan.pace {
        case .open: await placeOpen(ledger, start, until: end)
        case .closed(let clients): await placeClosed(ledger, clients, until: end)
        }
        // Every order that was accepted has a moment more to come to its end.
        let last = time.now.advanced(by: plan.patience)
        while ledger.figures.open > 0, time.now < last, !Task.isCancelled {
            try? await time.sleep(for: .milliseconds(20))
        }
        let settled = end.duration(to: time.now)
        ledger.releaseWaiters()
        reporting.cancel()
        follower.stop()
        await following.value
        return LoadReport(plan: plan, figures: ledger.figures, settled: max(.zero, settled))
    }

    private func placeOpen(_ ledger: LoadLedger, _ start: MonotonicInstant, until end: MonotonicInstant) async {
        await withDiscardingTaskGroup { group in
            var number = 0
            while !Task.isCancelled {
                let due = start.advanced(by: plan.moment(of: number))
                guard due < end, number < plan.count ?? .max else { return }
                if due > time.now { guard (try? await time.sleep(until: due)) != nil else { return } }
                let current = number
                number += 1
                guard ledger.figures.open < Self.mostUnderWay else {
                    ledger.skipped()
                    continue
                }
                group.addTask { _ = await place(current, due: due, ledger) }
            }
        }
    }

    private func placeClosed(_ ledger: LoadLedger, _ clients: Int, until end: MonotonicInstant) async {
        await withDiscardingTaskGroup { watch in
            watch.addTask {
                // Who still waits at the end does so without holding a client.
                try? await time.sleep(until: end)
                ledger.releaseWaiters()
            }
            await withDiscardingTaskGroup { group in
                for client in 0..<clients {
                    group.addTask { await placeInTurn(from: client, every: clients, ledger, until: end) }
                }
            }
            watch.cancelAll()
        }
    }

    /// One client of a closed loop.
    private func placeInTurn(
        from first: Int, every clients: Int, _ ledger: LoadLedger, until end: MonotonicInstant
    ) async {
        var number = first
        while time.now < end, number < plan.count ?? .max, !Task.isCancelled {
            if let id = await place(number, due: time.now, ledger) {
                await ledger.outcome(of: id)
            } else {
                // Refused: a client that comes back at once would only measure refusals.
                let pause = Duration.milliseconds(50) + random.nextDuration(upTo: .milliseconds(100))
                try? await time.sleep(for: pause)
            }
            number += clients
        }
    }

    /// Places one order; returns its id when it was accepted.
    private func place(_ number: Int, due: MonotonicInstant, _ ledger: LoadLedger) async -> String? {
        ledger.placed()
        let url = plan.orders[number % plan.orders.count] + "/v1/orders"
        let request = request(
            .post, url, plan.mix.body(number, random), [("Idempotency-Key", "\(name)-\(number)")])
        do {
            let response = try await client.execute(request, deadline: time.now.advanced(by: .seconds(30)))
            guard response.status == .accepted,
                let id = response.fields["Location"]?.split(separator: "/").last.map(String.init)
            else {
                ledger.refused(String(response.status.code), isAnswer: true)
                return nil
            }
            ledger.accepted(id, due: due)
            if plan.repeatShare > 0, random.nextUnit() < plan.repeatShare {
                let again = try? await client.execute(request, deadline: time.now.advanced(by: .seconds(30)))
                // One that is not answered says nothing.
                if let again, again.status.code < 500 {
                    ledger.repeated(
                        isSame: again.status == .accepted && again.body == response.body
                            && again.fields["Idempotent-Replayed"] == "true")
                }
            }
            return id
        } catch {
            ledger.refused("\(error.code)", isAnswer: false)
            return nil
        }
    }

    private func report(_ ledger: LoadLedger, from start: MonotonicInstant) async {
        var second = 0
        while (try? await time.sleep(until: start.advanced(by: .seconds(second + 1)))) != nil {
            let figures = ledger.figures
            let last = second < figures.seconds.count ? figures.seconds[second] : .init()
            second += 1
            say(LoadReport.line(second, last, open: figures.open))
        }
    }
}

/// The ledger that events go to, once the run has begun.
private final class LedgerBox: Sendable {
    private let state = Mutex<LoadLedger?>(nil)

    var ledger: LoadLedger? {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
