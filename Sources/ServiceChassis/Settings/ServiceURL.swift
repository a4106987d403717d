/// Where another service's API is: `http://host:port`, perhaps with a path before its routes.
package struct ServiceURL: Sendable, Hashable {
    /// The URL without a slash at its end; routes are appended as they are.
    package let text: String
    /// Host and port: what shares connections and a circuit breaker.
    package let authority: String

    /// Reads the URL; nil for other schemes than http and https, for user names, queries and fragments.
    package init?(_ text: String) {
        guard let scheme = ["http://", "https://"].first(where: { text.hasPrefix($0) }) else { return nil }
        let rest = text.dropFirst(scheme.count)
        let path = rest.firstIndex(of: "/").map { rest[$0...] } ?? ""
        let port = scheme == "http://" ? 80 : 443
        guard let authority = Authority(rest.dropLast(path.count), defaultPort: port),
            !path.contains(where: { "?# ".contains($0) })
        else { return nil }
        self.authority = authority.text
        var trimmed = path
        while trimmed.last == "/" { trimmed.removeLast() }
        self.text = scheme + authority.text + trimmed
    }
}

extension ServiceURL: CustomStringConvertible {
    package var description: String { text }
}

extension SettingKind where Value == ServiceURL {
    package static var serviceURL: SettingKind {
        SettingKind(
            name: "URL of the form `http://host:port`", placeholder: ServiceURL("http://unset.invalid")!,
            render: { $0.text }, parse: { ServiceURL($0) })
    }
}

extension SettingKind where Value == [ServiceURL] {
    /// URLs of a service's endpoints, separated by commas.
    package static var serviceURLs: SettingKind {
        SettingKind(
            name: "URL of the form `http://host:port`, or several separated by commas", placeholder: [],
            render: { $0.map(\.text).joined(separator: ",") }
        ) { text in
            let parts = text.split(separator: ",", omittingEmptySubsequences: false)
            let urls = parts.compactMap { ServiceURL(String($0.trimmed)) }
            return urls.count == parts.count && Set(urls).count == urls.count ? urls : nil
        }
    }
}

/// A host and a port, as they stand in URLs and broker lists: `name:80`, `127.0.0.1:80`, `[::1]:80`.
package struct Authority: Sendable, Hashable {
    package var host: String
    package var port: Int

    /// Reads the text; nil for an empty host, a port outside 1…65535, or a missing one without a default.
    package init?(_ text: some StringProtocol, defaultPort: Int? = nil) {
        var host = String(text)
        var port = defaultPort
        let bracket = host.lastIndex(of: "]")
        if let colon = host.lastIndex(of: ":"), bracket.map({ $0 < colon }) ?? true {
            let digits = host[host.index(after: colon)...]
            guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(digits) else { return nil }
            port = number
            host = String(host[..<colon])
        }
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
            guard host.contains(":") else { return nil }
        } else {
            guard !host.contains(":") else { return nil }
        }
        let isClean = host.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x3A, 0x5F: true
            default: false
            }
        }
        guard !host.isEmpty, isClean, let port, (1...65_535).contains(port) else { return nil }
        self.host = host
        self.port = port
    }

    /// The form in which it was read, with the port always there.
    package var text: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

extension SettingKind where Value == [Authority] {
    /// Hosts with ports, separated by commas.
    package static var authorities: SettingKind {
        SettingKind(
            name: "hosts with ports, separated by commas", placeholder: [],
            render: { $0.map(\.text).joined(separator: ",") }
        ) { text in
            let parts = text.split(separator: ",", omittingEmptySubsequences: false)
            let authorities = parts.compactMap { Authority($0.trimmed) }
            return authorities.count == parts.count ? authorities : nil
        }
    }
}
