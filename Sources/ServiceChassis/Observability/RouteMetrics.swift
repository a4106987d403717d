import HTTPCodec
import Synchronization
import Telemetry

/// The counters of requests, resolved once for each route, method and status.
final class RouteMetrics: Sendable {
    private struct Key: Hashable {
        var route: String
        var method: HTTPMethod
        var status: Int
    }

    private struct Pair {
        var count: Counter
        var duration: Histogram
    }

    /// The `route` of paths that no route has.
    static let unmatched = "unmatched"

    private let metrics: StandardMetrics
    private let pairs = Mutex<[Key: Pair]>([:])

    init(_ metrics: StandardMetrics) {
        self.metrics = metrics
    }

    func record(route: String, method: HTTPMethod, status: HTTPStatus, duration: Duration) {
        let key = Key(route: route, method: method.isOther ? .other("OTHER") : method, status: status.code)
        let pair = pairs.withLock { pairs in
            if let pair = pairs[key] { return pair }
            let labels = [key.method.name, route, String(status.code)]
            let pair = Pair(
                count: metrics.httpRequests.labelled(labels), duration: metrics.httpRequestDuration.labelled(labels))
            pairs[key] = pair
            return pair
        }
        pair.count.increment()
        pair.duration.observe(duration)
    }

    /// Counts a request that was refused to protect the service.
    func recordShed(_ reason: String) {
        metrics.loadShed.labelled(reason).increment()
    }

    /// Counts a request that was not begun because its deadline had passed.
    func recordExpired(route: String) {
        metrics.expiredRequests.labelled(route).increment()
    }

    /// Counts a request that was refused before its method and path were known.
    func recordRefusal(_ status: HTTPStatus) {
        record(route: Self.unmatched, method: .other(""), status: status, duration: .zero)
    }
}

extension HTTPMethod {
    /// Whether it is a method that HTTP does not define; its name comes from outside and must not become a label.
    var isOther: Bool {
        if case .other = self { true } else { false }
    }
}
