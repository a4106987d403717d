import CLibrdkafka
import Glibc

/// Why the embedded broker did not start.
package enum EmbeddedBrokerError: Error, Hashable, CustomStringConvertible {
    /// Another process listens on the port.
    case portTaken(UInt16)
    /// The kernel refused the port for another reason.
    case portRefused(UInt16, errno: Int32)
    /// The executable was linked without `--export-dynamic-symbol=bind`, so the port cannot be chosen.
    case portNotChoosable
    /// librdkafka's own refusal.
    case failed(String)

    package var description: String {
        switch self {
        case .portTaken(let port):
            "Port \(port) is taken by another process; choose another with --port, or 0 for any free one."
        case .portRefused(let port, let errno):
            "The system refuses port \(port): \(String(cString: strerror(errno)))."
        case .portNotChoosable:
            "The port cannot be chosen: this program was linked without --export-dynamic-symbol=bind. Use --port 0."
        case .failed(let reason):
            "The embedded broker did not start: \(reason)."
        }
    }
}

/// A Kafka broker in this process: librdkafka's mock cluster with one broker on 127.0.0.1.
///
/// It serves from threads of librdkafka until it is released or the process ends. Memory only, at most 5 MiB per
/// partition, no admin requests; `dev-broker --help` says what follows from that.
package final class EmbeddedBroker {
    private let client: OpaquePointer
    private let cluster: OpaquePointer
    /// `127.0.0.1:PORT`.
    package let bootstrap: String

    /// Listens on `port` (0: any free one) and creates `topics`.
    package init(port: UInt16, topics: [TopicSpecification]) throws(EmbeddedBrokerError) {
        try PortRequest.probe(port)
        let client = try Self.makeClient()
        PortRequest.current.withLock { $0 = PortRequest(port: port) }
        let cluster = rd_kafka_mock_cluster_new(client, 1)
        let request = PortRequest.current.withLock { request in
            defer { request = PortRequest() }
            return request
        }
        guard let cluster else {
            rd_kafka_destroy(client)
            throw .failed("the mock cluster cannot be created")
        }
        self.client = client
        self.cluster = cluster
        bootstrap = rd_kafka_mock_cluster_bootstraps(cluster).map { String(cString: $0) } ?? ""
        if port != 0, request.served == 0 { throw .portNotChoosable }
        for topic in topics {
            // The cluster's thread answers before it empties the pipe that wakes it: a request that follows at once can
            // lose its wake-up there and then takes a second.
            usleep(1000)
            let code = rd_kafka_mock_topic_create(cluster, topic.name, topic.partitions, 1)
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
                throw .failed("topic \(topic.name): \(String(cString: rd_kafka_err2str(code)))")
            }
        }
    }

    // The cluster lives in threads of its client, so it goes first.
    deinit {
        rd_kafka_mock_cluster_destroy(cluster)
        rd_kafka_destroy(client)
    }

    /// The client that a mock cluster hangs on; it never connects to anything.
    private static func makeClient() throws(EmbeddedBrokerError) -> OpaquePointer {
        let configuration = rd_kafka_conf_new()
        // The broker's own words (a failed bind, a lost client) would be noise: errors are reported by code.
        rd_kafka_conf_set(configuration, "log_level", "2", nil, 0)
        var reason = [CChar](repeating: 0, count: 256)
        guard let client = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, &reason, reason.count) else {
            rd_kafka_conf_destroy(configuration)
            let bytes = reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            throw .failed(String(decoding: bytes, as: UTF8.self))
        }
        return client
    }
}
