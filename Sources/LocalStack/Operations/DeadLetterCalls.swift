import Clocks
import HTTPClient
import HTTPCodec
import JSON

/// What `holdfast dead-letter` does: calls the admin ports of the services and prints their answers.
package struct DeadLetterCalls: Sendable {
    /// How many letters one call sends back.
    private static let portion = 100

    private let options: DeadLetterOptions
    private let client: HTTPClient
    private let time: any TimeSource
    private let console: Console

    package init(_ options: DeadLetterOptions, client: HTTPClient, time: any TimeSource, console: Console) {
        self.options = options
        self.client = client
        self.time = time
        self.console = console
    }

    /// Does what was asked for; answers the exit code: 0 when it was done, 1 when not.
    package func run() async -> Int32 {
        switch options.wish {
        case .list: return await list()
        case .redriveAll: return await redriveAll()
        case .show(let id): return await decide(.get, "/\(Self.encode(id))", "")
        case .redrive(let id): return await decide(.post, "/\(Self.encode(id))/redrive", "redriven: ")
        case .discard(let id, let because):
            return await decide(.delete, "/\(Self.encode(id))?reason=\(Self.encode(because))", "discarded: ")
        }
    }

    private func list() async -> Int32 {
        var table = TextTable(head: ["service", "id", "reason", "topic", "attempts", "order", "detail"])
        var (count, code): (Int, Int32) = (0, 0)
        for service in options.services {
            var cursor: String?
            repeat {
                let query = options.filter + [("limit", "100")] + (cursor.map { [("cursor", $0)] } ?? [])
                guard let page = await call(.get, service.url, Self.query(query), of: service.name) else {
                    code = 1
                    break
                }
                for letter in page["items"].map({ Array($0.elements) }) ?? [] {
                    count += 1
                    table.append([
                        service.name, letter["id"]?.string ?? "", letter["reason"]?.string ?? "",
                        letter["topic"]?.string ?? "", letter["attempts"]?.int64.map(String.init) ?? "",
                        letter["orderId"]?.string ?? "", letter["detail"]?.string ?? "",
                    ])
                }
                cursor = page["nextCursor"]?.string
            } while cursor != nil
        }
        if count > 0 { console.lines(table.lines) } else if code == 0 { console.line("no dead letters") }
        return code
    }

    private func redriveAll() async -> Int32 {
        var code: Int32 = 0
        for service in options.services {
            var total = 0
            while true {
                let query = options.filter.filter { $0.name != "status" } + [("limit", "\(Self.portion)")]
                guard let answer = await call(.post, service.url, "/redrive" + Self.query(query), of: service.name)
                else {
                    code = 1
                    break
                }
                let count = answer["redriven"].map { Array($0.elements).count } ?? 0
                total += count
                if count == 0 { break }
            }
            console.line("\(service.name): \(total) redriven")
        }
        return code
    }

    /// Asks each service until one has the letter.
    private func decide(_ method: HTTPMethod, _ path: String, _ prefix: String) async -> Int32 {
        for service in options.services {
            guard let (status, body) = await send(method, service.url, path, of: service.name) else { continue }
            if status == 404 { continue }
            console.line(prefix + String(decoding: body, as: UTF8.self))
            return (200..<300).contains(status) ? 0 : 1
        }
        console.line("holdfast: none of the services that answered has this dead letter")
        return 1
    }

    /// The document of an answer that says that all is well; otherwise what is wrong is printed.
    private func call(_ method: HTTPMethod, _ url: String, _ path: String, of service: String) async -> JSONValue? {
        guard let (status, body) = await send(method, url, path, of: service) else { return nil }
        if (200..<300).contains(status), let document = try? JSONDocument(parsing: body) { return document.root }
        console.line("\(service): answered with \(status): \(String(decoding: body, as: UTF8.self))")
        return nil
    }

    private func send(
        _ method: HTTPMethod, _ url: String, _ path: String, of service: String
    ) async -> (status: Int, body: [UInt8])? {
        var request = HTTPClientRequest(method, url: "\(url)/admin/dead-letters\(path)")
        if let token = options.token { request.fields.append("Authorization", "Bearer \(token)") }
        do {
            let answer = try await client.execute(request, deadline: time.now.advanced(by: .seconds(15)))
            return (Int(answer.status.code), answer.body)
        } catch {
            console.line("\(service): \(error)")
            return nil
        }
    }

    private static func query(_ parameters: [(name: String, value: String)]) -> String {
        "?" + parameters.map { "\($0.name)=\(encode($0.value))" }.joined(separator: "&")
    }

    private static let plain = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".utf8)

    private static func encode(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            if plain.contains(byte) {
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                encoded += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return encoded
    }
}
