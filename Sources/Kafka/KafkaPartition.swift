/// A partition of a topic.
package struct KafkaPartition: Hashable, Sendable {
    package var topic: String
    package var number: Int32

    package init(topic: String, number: Int32) {
        self.topic = topic
        self.number = number
    }
}

/// An offset to commit: the next one to read.
struct NextOffset: Hashable, Sendable {
    var partition: KafkaPartition
    var offset: Int64
}
