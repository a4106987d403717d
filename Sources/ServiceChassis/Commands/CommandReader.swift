import Clocks
import Contracts
import HTTPCodec
import JSON
import Messaging

/// Reads a command that came over HTTP, and refuses whatever its service could not carry out.
struct CommandReader: Sendable {
    private let topic: Topic

    /// - Parameter topic: where the service's commands come from; those of other topics are not its own.
    init(_ topic: Topic) {
        self.topic = topic
    }

    /// The command in the request, in either mode.
    ///
    /// - Throws: 400 `invalid-parameter` naming headers, 400 `malformed-request`, or 422 `validation-failed` naming
    ///   members.
    func read(_ context: RequestContext) throws(ProblemDetails) -> IncomingMessage {
        let envelope =
            MediaType.isStructuredEvent(context.request.fields) ? try structured(context) : try binary(context)
        return IncomingMessage(envelope: envelope, origin: origin(of: envelope))
    }

    private func binary(_ context: RequestContext) throws(ProblemDetails) -> MessageEnvelope {
        let envelope = try MessageEnvelope(httpFields: context.request.fields, payload: context.request.body)
        guard let kind = kind(envelope.type) else { throw .invalidHeader("ce-type", unknownType) }
        let payload = try context.document()
        let orderID: UUID
        do { orderID = try payload.decode(unknownMembers: .ignored, kind.read) } catch { throw ProblemDetails(error) }
        guard orderID == envelope.orderID else {
            throw .validationFailed([.init(.pointer("#/orderId"), "must be the order of ce-subject")])
        }
        return envelope
    }

    private func structured(_ context: RequestContext) throws(ProblemDetails) -> MessageEnvelope {
        let document = try context.document()
        do {
            return try document.decode(unknownMembers: .ignored) { event in
                envelope(&event, payload: document.root["data"].map { Array($0.source) } ?? [])
            }
        } catch {
            throw ProblemDetails(error)
        }
    }

    private func envelope(_ event: inout JSONObjectDecoder, payload: [UInt8]) -> MessageEnvelope {
        if event.string("specversion") != "1.0" { event.refuse("specversion", "must be 1.0") }
        let content = event.optional("datacontenttype")?.string() ?? "application/json"
        if content != "application/json" { event.refuse("datacontenttype", "must be application/json") }
        let type = event.string("type", length: 1...255)
        var envelope = MessageEnvelope(
            id: event.text("id"), source: event.string("source", length: 1...255), type: type,
            orderID: event.text("subject"), time: event.text("time"),
            traceparent: event.optional("traceparent")?.string(), tracestate: event.optional("tracestate")?.string(),
            payload: payload)
        if let deadline = event.optional("deadline") {
            let text = deadline.string()
            envelope.deadline = MessageEnvelope.readDeadline(text)
            if envelope.deadline == nil { deadline.refuse(MessageEnvelope.deadlineExpectation) }
        }
        guard let kind = kind(type) else {
            event.refuse("type", unknownType)
            return envelope
        }
        let orderID = event.object("data", kind.read)
        if orderID != envelope.orderID { event.refuse("subject", "must be the order of the data") }
        return envelope
    }

    private func kind(_ type: String) -> CommandKind? {
        MessageType.command(type).flatMap { $0.topic == topic ? $0 : nil }
    }

    private var unknownType: String {
        "must be one of " + MessageType.commandTypes(to: topic).joined(separator: ", ")
    }

    /// Partition -1 says that the message never lay in Kafka; the offset is the message's own, so that a repeat is the same.
    private func origin(of envelope: MessageEnvelope) -> MessageOrigin {
        MessageOrigin(
            topic: topic.rawValue, partition: -1,
            offset: Int64(bitPattern: (envelope.id.high ^ envelope.id.low) & UInt64(Int64.max)))
    }
}
