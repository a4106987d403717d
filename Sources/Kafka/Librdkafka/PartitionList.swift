import CLibrdkafka

/// Calls `body` with librdkafka's form of a list of partitions.
func withPartitionList<R>(
    _ offsets: [NextOffset], _ body: (UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?) -> R
) -> R {
    let list = rd_kafka_topic_partition_list_new(Int32(offsets.count))
    defer { rd_kafka_topic_partition_list_destroy(list) }
    for offset in offsets {
        let entry = rd_kafka_topic_partition_list_add(list, offset.partition.topic, offset.partition.number)
        entry?.pointee.offset = offset.offset
    }
    return body(list)
}

/// The entries of librdkafka's list, each with its own error.
func readPartitionList(
    _ list: UnsafePointer<rd_kafka_topic_partition_list_t>?
) -> [(next: NextOffset, error: rd_kafka_resp_err_t)] {
    guard let list else { return [] }
    return (0..<Int(list.pointee.cnt)).map { index in
        let entry = list.pointee.elems[index]
        let partition = KafkaPartition(topic: String(cString: entry.topic), number: entry.partition)
        return (NextOffset(partition: partition, offset: entry.offset), entry.err)
    }
}
