import CLibrdkafka

extension RdKafka {
    /// Hands one record to librdkafka, which copies it.
    ///
    /// - Returns: `QUEUE_FULL` when there is no room; with any error no report comes.
    static func produce(
        _ record: KafkaRecord, to topic: OpaquePointer, of client: OpaquePointer, token: UInt
    ) -> rd_kafka_resp_err_t {
        let headers = record.headers.isEmpty ? nil : makeHeaders(record.headers)
        return withBytes(record.key) { key, keySize in
            withBytes(record.value) { value, valueSize in
                withUnsafeTemporaryAllocation(of: rd_kafka_vu_t.self, capacity: 6) { arguments in
                    arguments.initialize(repeating: rd_kafka_vu_t())
                    arguments[0].vtype = RD_KAFKA_VTYPE_RKT
                    arguments[0].u.rkt = topic
                    arguments[1].vtype = RD_KAFKA_VTYPE_MSGFLAGS
                    arguments[1].u.i = RD_KAFKA_MSG_F_COPY
                    arguments[2].vtype = RD_KAFKA_VTYPE_KEY
                    arguments[2].u.mem.ptr = key
                    arguments[2].u.mem.size = keySize
                    arguments[3].vtype = RD_KAFKA_VTYPE_VALUE
                    arguments[3].u.mem.ptr = value
                    arguments[3].u.mem.size = valueSize
                    arguments[4].vtype = RD_KAFKA_VTYPE_OPAQUE
                    arguments[4].u.ptr = UnsafeMutableRawPointer(bitPattern: token)
                    arguments[5].vtype = RD_KAFKA_VTYPE_HEADERS
                    arguments[5].u.headers = headers
                    let count = headers == nil ? 5 : 6
                    guard let error = rd_kafka_produceva(client, arguments.baseAddress, count) else {
                        return RD_KAFKA_RESP_ERR_NO_ERROR
                    }
                    defer { rd_kafka_error_destroy(error) }
                    // The headers pass over on success only.
                    if let headers { rd_kafka_headers_destroy(headers) }
                    return rd_kafka_error_code(error)
                }
            }
        }
    }

    private static func makeHeaders(_ headers: [(name: String, value: [UInt8]?)]) -> OpaquePointer? {
        let list = rd_kafka_headers_new(headers.count)
        for (name, value) in headers {
            _ = withBytes(value) { bytes, size in rd_kafka_header_add(list, name, -1, bytes, size) }
        }
        return list
    }

    /// librdkafka copies and does not write; an empty value is not a missing one.
    private static func withBytes<R>(_ bytes: [UInt8]?, _ body: (UnsafeMutableRawPointer?, Int) -> R) -> R {
        guard let bytes else { return body(nil, 0) }
        return bytes.withUnsafeBytes { buffer in
            body(
                UnsafeMutableRawPointer(mutating: buffer.baseAddress) ?? UnsafeMutableRawPointer(bitPattern: 1),
                buffer.count)
        }
    }
}
