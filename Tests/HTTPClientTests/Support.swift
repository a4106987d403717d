import Clocks
import HTTPClient
import HTTPCodec
import Testing

extension HTTPClient {
    /// A client with the machine's clock: libcurl has no other.
    static func make(_ change: (inout HTTPClientConfiguration) -> Void = { _ in }) -> HTTPClient {
        var configuration = HTTPClientConfiguration()
        change(&configuration)
        return HTTPClient(configuration: configuration, time: SystemTime())
    }

    func get(_ url: String, within limit: Duration = .seconds(20)) async throws(HTTPClientError) -> HTTPClientResponse {
        try await execute(HTTPClientRequest(.get, url: url), deadline: SystemTime().now.advanced(by: limit))
    }

    func post(
        _ url: String, _ body: String = "{}", within limit: Duration = .seconds(20)
    ) async throws(HTTPClientError) -> HTTPClientResponse {
        try await execute(
            HTTPClientRequest(
                .post, url: url, fields: ["Content-Type": "application/json"], body: Array(body.utf8)),
            deadline: SystemTime().now.advanced(by: limit))
    }
}

/// The error with which `body` ends; records an issue when it ends well.
func failure(
    _ body: () async throws(HTTPClientError) -> HTTPClientResponse, sourceLocation: SourceLocation = #_sourceLocation
) async throws -> HTTPClientError {
    do {
        let response = try await body()
        Issue.record("answered with \(response.status)", sourceLocation: sourceLocation)
        throw CancellationError()
    } catch let error as HTTPClientError {
        return error
    }
}

extension [UInt8] {
    var text: String { String(decoding: self, as: UTF8.self) }
}
