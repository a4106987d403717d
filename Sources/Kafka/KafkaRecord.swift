/// A record to be published.
package struct KafkaRecord: Sendable {
    package var topic: String
    package var key: [UInt8]?
    package var headers: [(name: String, value: [UInt8]?)]
    package var value: [UInt8]?

    package init(topic: String, key: [UInt8]?, headers: [(name: String, value: [UInt8]?)] = [], value: [UInt8]?) {
        self.topic = topic
        self.key = key
        self.headers = headers
        self.value = value
    }
}

/// Where a record lies.
package struct KafkaPosition: Sendable, Hashable {
    package var topic: String
    package var partition: Int32
    package var offset: Int64
}

/// A record that was read.
package struct KafkaMessage: Sendable {
    package var position: KafkaPosition
    package var key: [UInt8]?
    package var headers: [(name: String, value: [UInt8]?)]
    package var value: [UInt8]?
    /// Where the consumer keeps count of its partition.
    let slot: Int
    /// Which assignment it belongs to.
    let generation: UInt32
}
