import HTTPCodec

/// A request to another server.
package struct HTTPClientRequest: Sendable {
    package var method: HTTPMethod
    /// Absolute, `http` or `https`, already percent-encoded, without user and fragment.
    package var url: String
    /// `Host`, `Content-Length`, `Connection`, `Transfer-Encoding` and `Expect` are the client's to write: left out here.
    package var fields: HTTPFields
    /// Nil sends no body; an empty one says `Content-Length: 0`.
    package var body: [UInt8]?

    package init(_ method: HTTPMethod, url: String, fields: HTTPFields = HTTPFields(), body: [UInt8]? = nil) {
        self.method = method
        self.url = url
        self.fields = fields
        self.body = body
    }
}

extension HTTPClientRequest {
    /// Scheme, host and port as they stand in the URL, in lower case: requests of equal authority share connections.
    ///
    /// - Throws: ``HTTPClientError/Code/invalidRequest`` for what must not be put on a wire: another scheme, no host,
    ///   user information, a fragment, bytes that are not visible ASCII, a method that is no token, or a body with a
    ///   method that has none.
    func authority() throws(HTTPClientError) -> String {
        func refuse(_ detail: String) -> HTTPClientError {
            HTTPClientError(.invalidRequest, sent: .certainlyNotSent, authority: "", detail: detail)
        }
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }) else {
            throw refuse("the URL holds a blank, a control character, a fragment or bytes that are not ASCII")
        }
        guard let mark = url.utf8.firstIndex(of: UInt8(ascii: ":")) else { throw refuse("the URL has no scheme") }
        let scheme = url[..<mark].lowercased()
        guard scheme == "http" || scheme == "https" else { throw refuse("the scheme is neither http nor https") }
        let rest = url.utf8[mark...].dropFirst()
        guard rest.starts(with: "//".utf8) else { throw refuse("the URL has no host") }
        let host = rest.dropFirst(2).prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
        guard !host.isEmpty, host.first != UInt8(ascii: ":") else { throw refuse("the URL has no host") }
        guard !host.contains(UInt8(ascii: "@")) else { throw refuse("the URL holds user information") }
        guard method.name.utf8.allSatisfy(Self.isMethodCharacter), !method.name.isEmpty else {
            throw refuse("the method is no token")
        }
        guard body == nil || (method != .get && method != .head) else { throw refuse("a \(method) has no body") }
        return scheme + "://" + String(Substring(host)).lowercased()
    }

    private static func isMethodCharacter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
            || byte == UInt8(ascii: "-")
    }
}
