import Clocks
import HTTPClient
import HTTPCodec
import JSON
import LocalStack

/// Which links of fault-proxy a fault acts on: names as `stack.json` lists them, with `*` for any characters.
///
/// `payment-service*.postgres` are those of all replicas of payment-service to Postgres.
struct LinkPattern: Sendable {
    let text: String

    static func read(_ fields: FieldReader) -> LinkPattern { LinkPattern(text: fields.text("link")) }

    func matches(_ name: String) -> Bool {
        let parts = text.split(separator: "*", omittingEmptySubsequences: false)
        guard parts.count > 1 else { return text == name }
        guard name.hasPrefix(parts[0]), name.hasSuffix(parts[parts.count - 1]) else { return false }
        var rest = name.dropFirst(parts[0].count)
        for part in parts[1...] where !part.isEmpty {
            guard let found = rest.firstRange(of: part) else { return false }
            rest = rest[found.upperBound...]
        }
        return true
    }
}

/// The sides of a link a fault can act on, as an experiment names them.
enum LinkSide: String, CaseIterable, Sendable {
    /// What the caller sends.
    case requests
    /// What it is answered.
    case answers
    case both

    var directions: [String] {
        switch self {
        case .requests: ["upstream"]
        case .answers: ["downstream"]
        case .both: ["upstream", "downstream"]
        }
    }
}

extension DrillContext {
    /// What the stack tells drills.
    func drills() throws(DrillError) -> StackFile.Drills {
        guard let drills = try stack().drills else {
            throw DrillError(
                "the stack was not started for drills: start it with make up DRILLS=on, or make compose-up DRILLS=on")
        }
        return drills
    }

    /// The links that a pattern means.
    func links(_ pattern: LinkPattern) throws(DrillError) -> [String] {
        try drills().links.map(\.name).filter(pattern.matches)
    }

    /// Why a fault on links cannot be made; nil when it can.
    func missingLinks(_ pattern: LinkPattern) -> String? {
        do throws(DrillError) {
            let all = try drills().links.map(\.name)
            return all.contains(where: pattern.matches)
                ? nil : "there is no link \(pattern.text); there are: \(all.joined(separator: ", "))"
        } catch {
            return error.description
        }
    }

    /// Switches faults of links on.
    ///
    /// - Parameter faults: the object that fault-proxy takes.
    func put(_ faults: String, _ pattern: LinkPattern, _ side: LinkSide) async throws(DrillError) -> [String] {
        let links = try links(pattern)
        for link in links {
            for direction in side.directions {
                // Remembered first: what is switched off needlessly does no harm.
                try remember("link \(link) \(direction)", "faults")
                try await callProxy(.put, "/links/\(link)/\(direction)", body: faults)
            }
        }
        guard !links.isEmpty else { throw DrillError("there is no link \(pattern.text)") }
        return links
    }

    /// Heals the links that this fault has switched.
    func healLinks() async throws(DrillError) -> String {
        let keys = rememberedNames.filter { $0.hasPrefix("link ") }.sorted()
        for key in keys {
            let parts = key.split(separator: " ")
            guard parts.count == 3 else { continue }
            try await callProxy(.delete, "/links/\(parts[1])/\(parts[2])")
        }
        return keys.isEmpty ? "nothing to heal: no link was switched" : "healed \(keys.count) directions of links"
    }

    private func callProxy(_ method: HTTPMethod, _ path: String, body: String? = nil) async throws(DrillError) {
        try await call(method, try drills().proxyURL + path, body: body)
    }

    /// Calls something on this machine that answers at once.
    ///
    /// - Throws: unless it answers 2xx within 5 s.
    func call(_ method: HTTPMethod, _ url: String, body: String? = nil) async throws(DrillError) {
        var request = HTTPClientRequest(method, url: url, body: body.map { Array($0.utf8) })
        if body != nil { request.fields.append("Content-Type", "application/json") }
        let response: HTTPClientResponse
        do throws(HTTPClientError) {
            response = try await client.execute(request, deadline: time.now.advanced(by: .seconds(5)))
        } catch {
            throw DrillError("\(error)")
        }
        guard (200...299).contains(response.status.code) else {
            let text = String(decoding: response.body.prefix(500), as: UTF8.self)
            throw DrillError("\(method) \(url) was answered with \(response.status.code): \(text)")
        }
    }
}
