/// How to reach a cluster, and the bounds of working with it.
package struct KafkaConfiguration: Sendable {
    /// `host:port` of one or more brokers, separated by commas.
    package var bootstrap: String
    package var clientID: String
    /// The longest pause before a broker that is away is tried again; librdkafka's own default of 10 s would make every outage
    /// last that much longer.
    package var maximumReconnectBackoff = Duration.milliseconds(1000)

    /// How long a message may take to be acknowledged before it counts as failed.
    package var deliveryTimeout = Duration.seconds(10)
    /// How many records may await their acknowledgement; further ones wait for room.
    package var maximumQueuedRecords = 100_000

    /// How long a fetch waits at the broker when there is nothing. It is answered as soon as there is a record; a longer wait
    /// costs nothing but fewer questions.
    package var fetchWait = Duration.milliseconds(500)
    /// How long the group misses a member that has gone silent.
    package var sessionTimeout = Duration.seconds(6)
    package var heartbeatInterval = Duration.milliseconds(500)
    /// How much is fetched ahead of the consumer.
    package var prefetchKilobytes = 16_384
    /// Offsets are committed this often.
    package var commitInterval = Duration.milliseconds(200)
    /// How long work in progress may hold up a rebalance.
    package var revocationPatience = Duration.seconds(3)
    /// How long the commit before a hand-over or the end may take.
    package var commitPatience = Duration.seconds(1)
    /// Keeps a member's partitions over a quick restart; one of its own for each member.
    package var groupInstanceID: String?

    package init(bootstrap: String, clientID: String) {
        self.bootstrap = bootstrap
        self.clientID = clientID
    }

    private var common: [(String, String)] {
        [
            ("bootstrap.servers", bootstrap), ("client.id", clientID), ("log.queue", "true"),
            ("reconnect.backoff.max.ms", "\(maximumReconnectBackoff.milliseconds)"), ("reconnect.backoff.ms", "50"),
            ("socket.keepalive.enable", "true"), ("socket.nagle.disable", "true"),
        ]
    }

    var producerProperties: [(String, String)] {
        common + [
            ("enable.idempotence", "true"), ("acks", "all"), ("linger.ms", "0"),
            // As Java clients do, so that a key has one partition whoever writes it.
            ("partitioner", "murmur2_random"),
            ("message.timeout.ms", "\(deliveryTimeout.milliseconds)"), ("queue.buffering.max.kbytes", "65536"),
            ("queue.buffering.max.messages", "\(maximumQueuedRecords)"),
        ]
    }

    func consumerProperties(group: String) -> [(String, String)] {
        var properties =
            common + [
                ("group.id", group), ("enable.auto.commit", "false"), ("enable.auto.offset.store", "false"),
                ("auto.offset.reset", "earliest"), ("partition.assignment.strategy", "range,roundrobin"),
                ("session.timeout.ms", "\(sessionTimeout.milliseconds)"),
                ("heartbeat.interval.ms", "\(heartbeatInterval.milliseconds)"),
                ("fetch.wait.max.ms", "\(fetchWait.milliseconds)"), ("fetch.min.bytes", "1"),
                ("fetch.error.backoff.ms", "50"),
                ("queued.max.messages.kbytes", "\(prefetchKilobytes)"),
            ]
        if let groupInstanceID { properties.append(("group.instance.id", groupInstanceID)) }
        return properties
    }
}

extension Duration {
    var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
