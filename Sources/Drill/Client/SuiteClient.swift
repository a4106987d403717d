import Clocks
import HTTPClient
import HTTPCodec
import JSON
import LocalStack

/// Talks to the suite as customers and operators do: over HTTP, at the ports that `stack.json` names.
struct SuiteClient: Sendable {
    let view: StackView
    let client: HTTPClient
    let time: any TimeSource

    init(view: StackView, time: any TimeSource) {
        self.view = view
        self.time = time
        var configuration = HTTPClientConfiguration()
        // A paused process keeps its callers: the load goes on beside them.
        configuration.connectionsPerAuthority = 1024
        configuration.queuedPerAuthority = 4096
        client = HTTPClient(configuration: configuration, time: time)
    }

    func send(
        _ method: HTTPMethod, _ url: String, body: String? = nil, fields: [(String, String)] = [],
        within limit: Duration = .seconds(10)
    ) async -> Answer {
        var all = HTTPFields()
        if body != nil { all.append("Content-Type", "application/json") }
        for (name, value) in fields { all.append(name, value) }
        do throws(HTTPClientError) {
            let response = try await client.execute(
                HTTPClientRequest(method, url: url, fields: all, body: body.map { Array($0.utf8) }),
                deadline: time.now.advanced(by: limit))
            return Answer(
                status: response.status.code, body: response.body,
                isReplayed: response.fields["Idempotent-Replayed"] == "true")
        } catch {
            return Answer(failure: error)
        }
    }

    /// The API of a service's replica; the first one that runs where that replica does not.
    func api(_ name: String, replica: Int = 1) -> String? { entry(name, replica).map { "http://127.0.0.1:\($0.api)" } }

    func admin(_ name: String, replica: Int = 1) -> String? {
        entry(name, replica).map { "http://127.0.0.1:\($0.admin)" }
    }

    private func entry(_ name: String, _ replica: Int) -> StackFile.Process? {
        let all = (try? view.read())?.processes.filter { $0.name == name } ?? []
        return all.first { $0.replica == replica } ?? all.first
    }

    /// Reads, which have no effect, are asked again until they are answered: nothing of the history rests on them.
    func read(_ url: String, within limit: Duration = .seconds(20)) async -> Answer {
        var answer = Answer()
        _ = await Deadlines.wait(upTo: limit, every: .milliseconds(200), time: time) {
            answer = await send(.get, url, within: .seconds(5))
            return answer.isOK || answer.status == 404
        }
        return answer
    }

    /// Walks a list to its end, or until `body` has seen enough.
    ///
    /// - Returns: whether it came to the end.
    func walk(_ url: String, _ body: (JSONValue) -> Bool) async -> Bool {
        var cursor: String?
        let mark = url.contains("?") ? "&" : "?"
        for _ in 0..<5000 {
            let page = url + "\(mark)limit=100" + (cursor.map { "&cursor=\($0)" } ?? "")
            let answer = await read(page)
            guard answer.isOK, let root = answer.root else { return false }
            for item in root["items"].map({ Array($0.elements) }) ?? [] {
                guard body(item) else { return true }
            }
            guard let next = root["nextCursor"]?.string else { return true }
            cursor = Self.encoded(next)
        }
        return false
    }

    private static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            let character = Character(UnicodeScalar(byte))
            if byte < 0x80, character.isLetter || character.isNumber || "-._~".contains(character) {
                return String(character)
            }
            let hex = String(byte, radix: 16, uppercase: true)
            return "%" + (hex.count == 1 ? "0" : "") + hex
        }.joined()
    }
}
