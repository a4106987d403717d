import HTTPCodec
import JSON
import Resilience
import Telemetry

/// Runtime control of circuit breakers on the admin port: see them, and make them do what an operator wants.
package struct CircuitBreakerRoutes: Sendable {
    /// What an operator may want, as the last segment of the path.
    private enum Wish: String, CaseIterable {
        case forceOpen = "force-open"
        case close
        case disable
        case metricsOnly = "metrics-only"
        case reset

        var command: CircuitBreakerCommand {
            switch self {
            case .forceOpen: .forceOpen
            // An operator who closes a breaker wants it closed, and not to open again for what it saw before.
            case .close, .reset: .reset
            case .disable: .disable
            case .metricsOnly: .metricsOnly
            }
        }
    }

    private let breakers: BreakerDirectory
    private let logger: Logger

    package init(_ breakers: BreakerDirectory, logger: Logger) {
        self.breakers = breakers
        self.logger = logger
    }

    package func add(to router: inout Router) {
        router.get("/admin/circuit-breakers", access: .operators) { _ in list() }
        router.get("/admin/circuit-breakers/{name}", access: .operators) { context in answer(try find(context)) }
        for wish in Wish.allCases {
            router.post("/admin/circuit-breakers/{name}/\(wish.rawValue)", access: .operators, body: .none) { context in
                let entry = try find(context)
                entry.breaker.obey(wish.command)
                logger.warning(
                    "an operator controls a circuit breaker",
                    [
                        "breaker": .text(entry.breaker.name), "command": .text(wish.rawValue),
                        "operator": .text(context.caller),
                    ])
                return answer(entry)
            }
        }
    }

    private func find(_ context: RequestContext) throws(ProblemDetails) -> BreakerDirectory.Entry {
        guard let entry = breakers[context.parameters["name"]] else { throw ProblemDetails(.notFound) }
        return entry
    }

    private func list() -> HTTPResponse {
        let entries = breakers.all
        var json = JSONWriter(capacity: 512 * (entries.count + 1))
        json.object {
            $0.array("items", entries) { $0.value($1) }
        }
        return .json(json.bytes)
    }

    private func answer(_ entry: BreakerDirectory.Entry) -> HTTPResponse {
        var json = JSONWriter(capacity: 512)
        json.value(entry)
        return .json(json.bytes)
    }
}

extension BreakerDirectory.Entry: JSONEncodable {
    /// The figures of one moment; times in seconds, `null` for what there is not.
    package func encode(to json: inout JSONWriter) {
        let now = breaker.snapshot
        json.object {
            $0.member("name", now.name)
            $0.member("dependency", dependency)
            $0.member("state", now.state.label)
            $0.member("calls", now.calls)
            $0.member("failures", now.failures)
            $0.member("slowCalls", now.slowCalls)
            $0.member("failureRate", now.failureRate)
            $0.member("slowCallRate", now.slowCallRate)
            $0.member("failuresInARow", now.failuresInARow)
            $0.member("openForSeconds", now.remainingOpenTime?.inSeconds)
            $0.member("openingsInARow", now.openingsInARow)
            $0.object("probes") {
                $0.member("underWay", now.probesOut)
                $0.member("succeeded", now.probesSucceeded)
                $0.member("failed", now.probesFailed)
            }
            $0.object("totals") { json in
                for result in CircuitBreakerCounts.Result.allCases {
                    json.name(result.label)
                    json.value(Int64(clamping: now.counts.total(result)))
                }
            }
            if let change = now.lastChange {
                $0.object("lastChange") {
                    $0.member("from", change.transition.from.label)
                    $0.member("to", change.transition.to.label)
                    $0.member("cause", change.transition.cause.rawValue)
                    $0.member("at", change.at)
                }
            } else {
                $0.member("lastChange", String?.none)
            }
        }
    }
}

extension RequestContext {
    /// Who asks, for the log.
    package var caller: String { principal.clientID ?? "anybody, AUTH is off" }
}
