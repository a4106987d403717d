import Clocks
import Contracts
import Messaging
import Postgres
import Saga
import Telemetry

/// Replies advance sagas; they need no inbox, for the saga knows which one it waits for.
extension SagaCoordinator: MessageHandler {
    package func reads(for messages: [IncomingMessage]) -> [Statement] {
        reads(Set(messages.map(\.envelope.orderID)).sorted())
    }

    package func handle(_ messages: [IncomingMessage], rows: [Rows]) throws -> HandledBatch {
        var picture = try picture(rows)
        var batch = newBatch(picture.now)
        var handled = HandledBatch()
        var answered: [String] = []
        var waits: [(command: String, wait: Duration)] = []
        for message in messages {
            let reply: CommandReply
            do {
                guard message.envelope.type == MessageType.commandReply else {
                    throw ContractError(type: message.envelope.type, detail: "the saga waits for replies only")
                }
                reply = try CommandReply(decoding: message.envelope.payload)
            } catch {
                handled.refused[message.envelope.id] = "\(error)"
                continue
            }
            guard let record = picture.records[reply.orderID] else {
                handled.refused[message.envelope.id] = "there is no saga \(reply.orderID)"
                continue
            }
            let state = try advance(record, in: picture, batch: &batch, trace: message.envelope.trace) {
                $0.reply(to: reply.command, reply.sagaReply, now: picture.now, jitter: $1)
            }
            if state != record.state {
                answered.append(reply.command)
                if record.state.attempts == 1 {
                    waits.append((reply.command, record.state.stepStartedAt.duration(to: picture.now)))
                }
                batch.tell(
                    tracing.end(
                        reply.command, of: reply.orderID, message.envelope.trace, start: record.state.stepStartedAt,
                        end: picture.now, failure: reply.outcome == .failed ? reply.reason?.rawValue ?? "failed" : nil))
            }
            // A later reply of the batch to the same saga sees this one's effect.
            picture.records[reply.orderID]?.state = state
        }
        report(batch)
        let effects = batch.effects()
        handled.writes = effects.writes
        handled.outgoing = effects.outgoing
        let (deposit, tell) = (deposits(for: answered), effects.afterCommit)
        handled.afterCommit = { [waits, process] in
            deposit?()
            tell?()
            process.answered(waits)
        }
        return handled
    }
}

extension CommandReply {
    fileprivate var sagaReply: SagaReply {
        switch outcome {
        case .succeeded: .succeeded
        case .failed: .failed(reason: reason?.rawValue ?? "unknown")
        case .nothingToUndo: .nothingToUndo
        }
    }
}
