import CLibrdkafka

/// What a broker says about topics, without reading them.
package enum KafkaTopics {
    /// How long one question may take.
    private static let patience: Int32 = 5000

    /// How many messages each topic has taken so far, those that are gone among them: the sum of its partitions' ends.
    ///
    /// Asks on a thread of its own. A topic that does not exist counts as zero.
    ///
    /// - Throws: ``KafkaError`` when the broker does not answer.
    package static func ends(
        of topics: [String], configuration: KafkaConfiguration
    ) async throws(KafkaError) -> [String: Int64] {
        let result = await withCheckedContinuation { continuation in
            startThread {
                do throws(KafkaError) {
                    continuation.resume(
                        returning: Result<[String: Int64], KafkaError>.success(try read(topics, configuration)))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }

    private static func read(
        _ topics: [String], _ configuration: KafkaConfiguration
    ) throws(KafkaError) -> [String: Int64] {
        let kafka = try RdKafka(RD_KAFKA_PRODUCER, configuration.producerProperties, events: 0)
        defer { kafka.destroy() }
        var ends: [String: Int64] = [:]
        for topic in topics {
            var sum: Int64 = 0
            for partition in try partitions(of: topic, kafka) {
                var (low, high): (Int64, Int64) = (0, 0)
                let code = rd_kafka_query_watermark_offsets(kafka.handle, topic, partition, &low, &high, patience)
                guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw RdKafka.error(code) }
                sum += max(0, high)
            }
            ends[topic] = sum
        }
        return ends
    }

    private static func partitions(of topic: String, _ kafka: RdKafka) throws(KafkaError) -> [Int32] {
        guard let handle = rd_kafka_topic_new(kafka.handle, topic, nil) else {
            throw RdKafka.error(rd_kafka_last_error(), topic)
        }
        defer { rd_kafka_topic_destroy(handle) }
        var metadata: UnsafePointer<rd_kafka_metadata>?
        let code = rd_kafka_metadata(kafka.handle, 0, handle, &metadata, patience)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let metadata else { throw RdKafka.error(code, topic) }
        defer { rd_kafka_metadata_destroy(metadata) }
        guard metadata.pointee.topic_cnt > 0, let found = metadata.pointee.topics?.pointee,
            found.err == RD_KAFKA_RESP_ERR_NO_ERROR
        else { return [] }
        return (0..<Int(found.partition_cnt)).map { found.partitions[$0].id }
    }
}
