import Clocks
import HTTPClient
import HTTPCodec
import JSON

/// The admin port of an order-service, as an operator reaches it.
struct OrderAdmin: Sendable {
    /// Why there is no answer to work with, in one sentence.
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    private let url: String
    private let token: String?
    private let time = SystemTime()

    /// - Parameters:
    ///   - url: such as `http://127.0.0.1:8081`.
    ///   - token: an operator's token; nil where nobody is asked.
    init(url: String, token: String?) {
        self.url = url
        self.token = token
    }

    /// Asks and reads the answer.
    ///
    /// - Throws: ``Failure`` with what the service says of it, or why it could not be asked.
    func send(_ method: HTTPMethod, _ path: String) async throws(Failure) -> JSONValue {
        var fields = HTTPFields()
        if let token { fields.append("Authorization", "Bearer \(token)") }
        let client = HTTPClient(time: time)
        let response: HTTPClientResponse
        do {
            response = try await client.execute(
                HTTPClientRequest(method, url: url + path, fields: fields),
                deadline: time.now.advanced(by: .seconds(15)))
            await client.shutdown()
        } catch {
            await client.shutdown()
            throw Failure(description: "\(url) cannot be asked: \(error)")
        }
        do {
            let answer = try JSONDocument(parsing: response.body).root
            guard response.status == .ok else {
                throw Failure(description: answer["detail"]?.string ?? "answered \(response.status)")
            }
            return answer
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(description: "answered \(response.status), and nothing that can be read")
        }
    }
}
