/// How an answer is broken off: for stand-ins that have to misbehave, and for tests of those who call them.
package struct HTTPCut: Hashable, Sendable {
    /// What the client gets before the end.
    package enum Extent: Hashable, Sendable {
        /// Not a byte of this answer; those before it on the connection are sent.
        case nothing
        /// The head, announcing the whole body, and this many bytes of it, but never all: one at least is missing.
        case bytes(Int)
    }

    /// The body the answer would have had.
    package var body: [UInt8]
    package var extent: Extent
    /// Whether the connection ends by RST and not by FIN.
    package var reset: Bool

    package init(body: [UInt8], extent: Extent, reset: Bool) {
        self.body = body
        self.extent = extent
        self.reset = reset
    }

    /// The part of the body that is sent; nil when not even the head is, as with an empty body, of which nothing could be
    /// missing.
    var sentPart: ArraySlice<UInt8>? {
        guard case .bytes(let count) = extent, !body.isEmpty else { return nil }
        return body.prefix(min(max(0, count), body.count - 1))
    }
}

extension HTTPResponse {
    /// This answer, broken off after `extent`; the connection then ends, by a reset or by an orderly end of stream.
    ///
    /// The request counts as abandoned, not as answered. Traps for a streamed body, whose producer can throw instead.
    package func abort(after extent: HTTPCut.Extent = .nothing, reset: Bool) -> HTTPResponse {
        guard let bytes else { preconditionFailure("only an answer whose body is known can be broken off") }
        var response = self
        response.body = .cut(HTTPCut(body: bytes, extent: extent, reset: reset))
        return response
    }

    /// No answer at all: the connection ends, by a reset or by an orderly end of stream.
    package static func abort(reset: Bool) -> HTTPResponse {
        HTTPResponse(status: .internalServerError).abort(reset: reset)
    }
}
