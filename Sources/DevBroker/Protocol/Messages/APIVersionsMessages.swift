/// The versions a client may use. The only answer in the compact form, and only its third version.
struct APIVersionsResponse: WireWritable {
    var error = ErrorCode.none

    func write(to writer: inout ByteWriter, version: Int16) {
        let apis = APIKey.allCases
        writer.error(error)
        if version >= 3 {
            writer.unsignedVarint(UInt32(apis.count + 1))
        } else {
            writer.integer(Int32(apis.count))
        }
        for api in apis {
            writer.integer(api.rawValue)
            writer.integer(api.advertised.lowerBound)
            writer.integer(api.advertised.upperBound)
            if version >= 3 { writer.unsignedVarint(0) }
        }
        if version >= 1 { writer.integer(Int32(0)) }
        if version >= 3 { writer.unsignedVarint(0) }
    }
}

/// Who asks; nothing of it is needed.
struct APIVersionsRequest: WireReadable {
    init(from reader: inout ByteReader, version: Int16) throws(MalformedRequest) {
        guard version >= 3 else { return }
        _ = try reader.compactString()
        _ = try reader.compactString()
        try reader.taggedFields()
    }
}
