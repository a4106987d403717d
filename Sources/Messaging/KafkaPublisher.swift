import Clocks
import Kafka

/// Publishes messages to Kafka as CloudEvents in binary mode.
package struct KafkaPublisher: MessagePublisher {
    private let producer: KafkaProducer

    package init(_ producer: KafkaProducer) {
        self.producer = producer
    }

    /// The producer's own delivery timeout bounds the wait; the deadline is for other publishers.
    package func publish(_ messages: [OutgoingMessage], deadline _: MonotonicInstant) async -> [PublishFailure?] {
        let records = messages.map { message in
            KafkaRecord(
                topic: message.topic, key: message.envelope.kafkaKey,
                headers: message.envelope.kafkaHeaders.map { ($0.name, $0.value) }, value: message.envelope.payload)
        }
        return await producer.send(records).map { result in
            guard case .failure(let error) = result else { return nil }
            return PublishFailure(message: error.description, isRetriable: error.isRetriable)
        }
    }
}
