/// What stands before every request.
struct RequestHeader {
    let api: APIKey
    let version: Int16
    let correlation: Int32
    let clientID: String?

    /// Reads the header; of a version that is not served only ``APIKey/apiVersions`` gets through, to be told which are.
    init(from reader: inout ByteReader) throws(MalformedRequest) {
        let key = try reader.integer(Int16.self)
        version = try reader.integer()
        correlation = try reader.integer()
        guard let api = APIKey(rawValue: key) else {
            throw MalformedRequest(description: "it asks for API \(key), which this broker does not have")
        }
        guard api == .apiVersions || api.versions.contains(version) else {
            throw MalformedRequest(
                description: "it uses version \(version) of \(api), of which this broker has "
                    + "\(api.versions.lowerBound) to \(api.versions.upperBound)")
        }
        self.api = api
        clientID = try reader.nullableString()
        if api == .apiVersions, version == 3 { try reader.taggedFields() }
    }
}

/// Whom an answer goes to, and in which form.
struct ReplyAddress: Hashable, Sendable {
    var connection: ConnectionKey
    var correlation: Int32
    var version: Int16

    /// The answer as it goes over the wire: its length, the number of its request, its body.
    func frame(capacity: Int = 128, _ body: some WireWritable) -> [UInt8] {
        var writer = ByteWriter(capacity: capacity)
        writer.integer(Int32(0))
        writer.integer(correlation)
        body.write(to: &writer, version: version)
        writer.patch(Int32(clamping: writer.bytes.count - 4), at: 0)
        return writer.bytes
    }
}

/// Names a client's connection; none is named twice.
typealias ConnectionKey = UInt64
