import HTTPCodec

/// The `Authorization` header with a bearer token (RFC 6750 section 2.1); tokens in other places are not looked for.
enum BearerToken {
    static let header = "Authorization"

    /// The token as it was sent.
    ///
    /// - Throws: when there is none, or when the header is sent twice.
    static func read(_ fields: HTTPFields) throws(AccessDenial) -> String {
        let values = fields.values(header)
        guard let value = values.first else { throw .noToken }
        guard values.count == 1 else {
            throw .badToken(.malformed("the header \(header) is sent \(values.count) times"))
        }
        guard let blank = value.firstIndex(of: " "), value[..<blank].lowercased() == "bearer" else { throw .noToken }
        return String(value[blank...].drop { $0 == " " })
    }
}
