import Clocks
import Kafka
import Telemetry

/// Publishes messages to Kafka as CloudEvents in binary mode.
package struct KafkaPublisher: MessagePublisher {
    private let producer: KafkaProducer
    private let circuit: KafkaCircuit?
    private let process: String?
    private let tracer: Tracer?

    /// - Parameter process: names this process in its messages, so that who reads them can tell whose clock they are by.
    package init(_ producer: KafkaProducer, circuit: KafkaCircuit? = nil, process: String? = nil, tracer: Tracer? = nil)
    {
        self.producer = producer
        self.circuit = circuit
        self.process = process
        self.tracer = tracer
    }

    package var pause: Duration? { circuit?.pause }

    /// The deadline bounds the wait for a place; once handed over, the producer's own delivery timeout does.
    package func publish(_ messages: [OutgoingMessage], deadline: MonotonicInstant) async -> [PublishFailure?] {
        guard let tracer, tracer.isExporting else { return await send(messages, deadline: deadline) }
        let spans = messages.map { tracer.publishing($0) }
        let results = await send(messages, deadline: deadline)
        for (span, failure) in zip(spans, results) { span?.end(failure.map { .error($0.message) } ?? .unset) }
        return results
    }

    private func send(_ messages: [OutgoingMessage], deadline: MonotonicInstant) async -> [PublishFailure?] {
        let records = messages.map { message in
            var envelope = message.envelope
            // A row taken over from a process that is gone counts as ours: one in a crash does no harm.
            envelope.process = process
            return KafkaRecord(
                topic: message.topic, key: envelope.kafkaKey,
                headers: envelope.kafkaHeaders.map { ($0.name, $0.value) }, value: envelope.payload)
        }
        guard let circuit else { return await producer.send(records).map(\.publishFailure) }
        switch await circuit.deliver(by: deadline, { await producer.send(records) }) {
        case .success(let results):
            return results.map(\.publishFailure)
        case .rejected(let rejection):
            let refusal = PublishFailure(message: rejection.description, isRetriable: true)
            return messages.map { _ in refusal }
        }
    }
}

extension Result where Failure == KafkaError {
    fileprivate var publishFailure: PublishFailure? {
        guard case .failure(let error) = self else { return nil }
        return PublishFailure(message: error.description, isRetriable: error.isRetriable)
    }
}

extension Tracer {
    /// The span of a message that is handed to the brokers; nil where its trace is not sampled.
    fileprivate func publishing(_ message: OutgoingMessage) -> Span? {
        guard let parent = message.envelope.trace.context, parent.isSampled else { return nil }
        return start(
            "publish \(message.topic)", kind: .producer, parent: parent,
            attributes: [
                SpanAttribute("messaging.system", "kafka"),
                SpanAttribute("messaging.operation.type", "send"),
                SpanAttribute("messaging.destination.name", .text(message.topic)),
                SpanAttribute("messaging.message.id", .text("\(message.envelope.id)")),
                SpanAttribute("holdfast.message.type", .text(message.envelope.type)),
                SpanAttribute("holdfast.order.id", .text("\(message.envelope.orderID)")),
            ])
    }
}
