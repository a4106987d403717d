import Telemetry

extension MessageProcessor {
    /// Runs one try of a batch with a span for each message whose trace is sampled. What the try does besides, its
    /// transaction above all, is told under the first of them, and the others name that one as a link.
    func traced<Value: Sendable>(
        _ batch: [IncomingRecord], _ body: () async throws -> Value
    ) async throws -> Value {
        guard let tracer, tracer.isExporting else { return try await body() }
        var spans: [Span] = []
        for record in batch {
            guard let envelope = record.message?.envelope, let parent = envelope.trace.context, parent.isSampled else {
                continue
            }
            spans.append(
                tracer.start(
                    "process \(record.origin.topic)", kind: .consumer, parent: parent,
                    links: spans.first.map { [$0.context] } ?? [],
                    attributes: [
                        SpanAttribute("messaging.system", record.origin.partition < 0 ? "http" : "kafka"),
                        SpanAttribute("messaging.operation.type", "process"),
                        SpanAttribute("messaging.destination.name", .text(record.origin.topic)),
                        SpanAttribute("messaging.message.id", .text("\(envelope.id)")),
                        SpanAttribute("messaging.batch.message_count", .integer(Int64(batch.count))),
                        SpanAttribute("holdfast.message.type", .text(envelope.type)),
                        SpanAttribute("holdfast.order.id", .text("\(envelope.orderID)")),
                    ]))
        }
        guard let first = spans.first else { return try await body() }
        do {
            let value = try await TraceContext.$current.withValue(first.context, operation: body)
            for span in spans { span.end() }
            return value
        } catch {
            for span in spans { span.end(.error("\(error)")) }
            throw error
        }
    }
}
