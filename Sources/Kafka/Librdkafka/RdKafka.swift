import CLibrdkafka
import Glibc

/// Owns one librdkafka client handle.
///
/// Sendable: librdkafka's handles may be used from any thread; it is destroyed once, by whoever ends its poll thread.
final class RdKafka: @unchecked Sendable {
    let handle: OpaquePointer

    init(_ type: rd_kafka_type_t, _ properties: [(String, String)], events: Int32) throws(KafkaError) {
        let configuration = rd_kafka_conf_new()
        var reason = [CChar](repeating: 0, count: 512)
        for (key, value) in properties {
            guard rd_kafka_conf_set(configuration, key, value, &reason, reason.count) == RD_KAFKA_CONF_OK else {
                rd_kafka_conf_destroy(configuration)
                throw KafkaError(
                    code: -1, name: "CONFIGURATION", detail: "\(key)=\(value): \(Self.text(reason))",
                    isRetriable: false)
            }
        }
        rd_kafka_conf_set_events(configuration, events)
        guard let handle = rd_kafka_new(type, configuration, &reason, reason.count) else {
            rd_kafka_conf_destroy(configuration)
            throw KafkaError(code: -1, name: "CREATION", detail: Self.text(reason), isRetriable: false)
        }
        self.handle = handle
    }

    func destroy(flags: Int32 = 0) {
        rd_kafka_destroy_flags(handle, flags)
    }

    /// The error an error event tells of.
    static func error(of event: OpaquePointer) -> KafkaError {
        var error = error(rd_kafka_event_error(event), rd_kafka_event_error_string(event).map { String(cString: $0) })
        // The code of a fatal error is its cause.
        if rd_kafka_event_error_is_fatal(event) != 0 { error.isFatal = true }
        return error
    }

    static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static func error(_ code: rd_kafka_resp_err_t, _ detail: String? = nil) -> KafkaError {
        let name = rd_kafka_err2name(code).map { String(cString: $0) } ?? "\(code.rawValue)"
        let text = detail ?? rd_kafka_err2str(code).map { String(cString: $0) } ?? name
        let permanent: Set<Int32> = [
            RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE.rawValue, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC.rawValue,
            RD_KAFKA_RESP_ERR__INVALID_ARG.rawValue, RD_KAFKA_RESP_ERR_INVALID_MSG.rawValue,
        ]
        return KafkaError(
            code: code.rawValue, name: name, detail: text, isRetriable: !permanent.contains(code.rawValue),
            isFatal: code == RD_KAFKA_RESP_ERR__FATAL)
    }

    /// Copies a message out; what librdkafka owns is not kept.
    static func message(
        _ message: UnsafePointer<rd_kafka_message_t>, of partition: KafkaPartition, slot: Int, generation: UInt32
    ) -> KafkaMessage {
        let record = message.pointee
        return KafkaMessage(
            position: KafkaPosition(topic: partition.topic, partition: partition.number, offset: record.offset),
            key: bytes(record.key, record.key_len), headers: headers(message),
            value: bytes(record.payload, record.len), slot: slot, generation: generation)
    }

    private static func bytes(_ pointer: UnsafeMutableRawPointer?, _ count: Int) -> [UInt8]? {
        pointer.map { Array(UnsafeRawBufferPointer(start: $0, count: count)) }
    }

    private static func headers(_ message: UnsafePointer<rd_kafka_message_t>) -> [(name: String, value: [UInt8]?)] {
        var list: OpaquePointer?
        guard rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list else { return [] }
        var headers: [(name: String, value: [UInt8]?)] = []
        var index = 0
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var size = 0
        while rd_kafka_header_get_all(list, index, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR {
            headers.append(
                (
                    name.map { String(cString: $0) } ?? "",
                    value.map { Array(UnsafeRawBufferPointer(start: $0, count: size)) }
                ))
            index += 1
        }
        return headers
    }
}

/// Starts a detached thread that runs `body`; signals are left to the other threads.
func startThread(_ body: @escaping @Sendable () -> Void) {
    final class Box {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    let status = pthread_create(
        &thread, nil,
        { context in
            var all = sigset_t()
            sigfillset(&all)
            pthread_sigmask(SIG_BLOCK, &all, nil)
            Unmanaged<Box>.fromOpaque(context!).takeRetainedValue().body()
            return nil
        }, Unmanaged.passRetained(Box(body)).toOpaque())
    precondition(status == 0, "no thread for a Kafka client: \(status)")
    pthread_detach(thread)
}
