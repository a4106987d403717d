import Clocks
import HTTPClient
import HTTPCodec

/// Where a key set is read from.
protocol KeySource: Sendable {
    /// What is asked, for logs.
    var name: String { get }

    /// The document.
    ///
    /// - Throws: when it cannot be had in that time.
    func fetch(within limit: Duration) async throws -> [UInt8]
}

/// A key set that an issuer publishes.
struct URLKeySource: KeySource {
    /// The answer is not the document.
    struct BadAnswer: Error, CustomStringConvertible {
        var status: HTTPStatus
        var description: String { "it answered \(status)" }
    }

    let url: ServiceURL
    let client: HTTPClient
    let time: any TimeSource

    var name: String { url.text }

    func fetch(within limit: Duration) async throws -> [UInt8] {
        let request = HTTPClientRequest(
            .get, url: url.text, fields: ["Accept": "application/jwk-set+json, application/json"])
        let response = try await client.execute(request, deadline: time.now.advanced(by: limit))
        guard response.status == .ok else { throw BadAnswer(status: response.status) }
        return response.body
    }
}

/// A key set in a file, which may be replaced at any time.
struct FileKeySource: KeySource {
    let file: WatchedFile

    var name: String { file.path }

    func fetch(within limit: Duration) async throws -> [UInt8] {
        try await file.read(within: limit).get()
    }
}
