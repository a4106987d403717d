import CLibrdkafka
import Glibc

/// Why topics could not be made at a broker; one sentence.
package struct TopicCreationError: Error, Hashable, CustomStringConvertible {
    package let description: String
}

/// Makes topics at another broker, a real one: the embedded broker is given its topics when it starts.
enum TopicCreation {
    private static let patience: Int32 = 20_000

    /// Makes the topics that are missing, each with one replica.
    ///
    /// - Returns: how many were made; those that are there are left as they are.
    /// - Throws: when the broker does not answer within 20 s or refuses.
    static func run(_ topics: [TopicSpecification], at bootstrap: String) throws(TopicCreationError) -> Int {
        let configuration = rd_kafka_conf_new()
        var reason = [CChar](repeating: 0, count: 256)
        rd_kafka_conf_set(configuration, "bootstrap.servers", bootstrap, &reason, reason.count)
        rd_kafka_conf_set(configuration, "reconnect.backoff.max.ms", "500", &reason, reason.count)
        rd_kafka_conf_set(configuration, "log_level", "2", &reason, reason.count)
        guard let client = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, &reason, reason.count) else {
            rd_kafka_conf_destroy(configuration)
            throw TopicCreationError(description: "No client can be made: \(text(reason)).")
        }
        defer { rd_kafka_destroy(client) }
        var requests: [OpaquePointer?] = topics.map {
            rd_kafka_NewTopic_new($0.name, $0.partitions, 1, &reason, reason.count)
        }
        defer { for request in requests where request != nil { rd_kafka_NewTopic_destroy(request) } }
        guard !requests.contains(nil) else { throw TopicCreationError(description: "\(text(reason)).") }
        let queue = rd_kafka_queue_new(client)
        defer { rd_kafka_queue_destroy(queue) }
        let options = rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_CREATETOPICS)
        rd_kafka_AdminOptions_set_request_timeout(options, patience, &reason, reason.count)
        rd_kafka_CreateTopics(client, &requests, requests.count, options, queue)
        rd_kafka_AdminOptions_destroy(options)
        guard let event = rd_kafka_queue_poll(queue, patience + 1000) else {
            throw TopicCreationError(description: "The broker at \(bootstrap) gave no answer within 20 s.")
        }
        defer { rd_kafka_event_destroy(event) }
        let error = rd_kafka_event_error(event)
        guard error == RD_KAFKA_RESP_ERR_NO_ERROR, let result = rd_kafka_event_CreateTopics_result(event) else {
            throw TopicCreationError(
                description: "The broker at \(bootstrap) made no topics: \(String(cString: rd_kafka_err2str(error))).")
        }
        return try count(result, at: bootstrap)
    }

    private static func count(_ result: OpaquePointer, at bootstrap: String) throws(TopicCreationError) -> Int {
        var size = 0
        let results = rd_kafka_CreateTopics_result_topics(result, &size)
        var made = 0
        for index in 0..<size {
            guard let topic = results?[index] else { continue }
            switch rd_kafka_topic_result_error(topic) {
            case RD_KAFKA_RESP_ERR_NO_ERROR: made += 1
            case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS: continue
            case let code:
                let name = rd_kafka_topic_result_name(topic).map { String(cString: $0) } ?? "?"
                throw TopicCreationError(
                    description: "The broker at \(bootstrap) refuses the topic \(name): "
                        + "\(String(cString: rd_kafka_err2str(code))).")
            }
        }
        return made
    }

    private static func text(_ reason: [CChar]) -> String {
        String(decoding: reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
