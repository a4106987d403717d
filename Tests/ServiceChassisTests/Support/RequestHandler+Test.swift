import Clocks
import HTTPCodec
import JSON
import ServiceChassis
import Telemetry
import TestSupport

extension RequestHandler {
    /// A handler with a still clock, no log and counted requests.
    static func test(
        _ router: Router, authenticator: Authenticator? = nil, deadline: Duration = .seconds(10),
        time: any TimeSource = TestTime(),
        registry: MetricsRegistry = MetricsRegistry()
    ) -> RequestHandler {
        RequestHandler(
            router, authenticator: authenticator ?? .off(time: time, logger: .silent), deadline: deadline, time: time,
            logger: .silent,
            tracer: .disabled(time: time, random: SeededRandom(seed: 1)),
            metrics: StandardMetrics(service: "test-service", registry: registry))
    }

    func send(
        _ method: HTTPMethod, _ target: String, _ fields: HTTPFields = [:], body: String = ""
    ) async -> HTTPResponse {
        await handle(HTTPRequest(method: method, target: target, fields: fields, body: Array(body.utf8)))
    }
}

extension HTTPResponse {
    var text: String { String(decoding: bytes ?? [], as: UTF8.self) }

    var slug: String? {
        guard fields["Content-Type"] == "application/problem+json",
            let document = try? JSONDocument(parsing: bytes ?? [])
        else { return nil }
        return document.root["type"]?.string.map { String($0.dropFirst("urn:holdfast:problem:".count)) }
    }

    /// The places that a problem document names, such as `parameter limit`.
    var places: [String] {
        guard let document = try? JSONDocument(parsing: bytes ?? []), let errors = document.root["errors"] else {
            return []
        }
        return errors.elements.flatMap { error in
            ["pointer", "parameter", "header"].compactMap { kind in
                error.member(named: kind)?.string.map { "\(kind) \($0)" }
            }
        }
    }
}
