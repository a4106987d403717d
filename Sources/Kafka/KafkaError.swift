/// Why the broker or its client did not do what was asked.
package struct KafkaError: Error, Sendable, Hashable, CustomStringConvertible {
    /// librdkafka's or the protocol's number.
    package var code: Int32
    /// Its name, such as `_MSG_TIMED_OUT`.
    package var name: String
    package var detail: String
    /// Whether trying again can help.
    package var isRetriable: Bool
    /// Whether the client can do nothing more and is replaced by a new one.
    package var isFatal: Bool
    /// Whether the record may have been written, or may be yet, although it is reported as failed.
    package var mayBeWritten = false

    package init(code: Int32, name: String, detail: String, isRetriable: Bool, isFatal: Bool = false) {
        self.code = code
        self.name = name
        self.detail = detail
        self.isRetriable = isRetriable
        self.isFatal = isFatal
    }

    package var description: String { "Kafka: \(detail) (\(name))" }

    /// The client is closed.
    package static let closed = KafkaError(
        code: -1, name: "CLOSED", detail: "the client is closed", isRetriable: false)

    /// The deadline came before the acknowledgement.
    package static let deadlineExceeded = KafkaError(
        code: -1, name: "DEADLINE_EXCEEDED", detail: "no acknowledgement came before the deadline", isRetriable: true)

    /// The task that waited was cancelled.
    package static let cancelled = KafkaError(
        code: -1, name: "CANCELLED", detail: "the task that waited was cancelled", isRetriable: false)

    /// The record was never handed over: the wait for room ended before.
    package static let notTaken = KafkaError(
        code: -1, name: "NOT_TAKEN", detail: "the record was not handed over before the wait ended", isRetriable: true)
}

/// What a client has to say of itself.
package enum KafkaEvent: Sendable {
    case connectionLost(String)
    case error(KafkaError)
    case log(level: Int, facility: String, text: String)
    /// The group gave this member so many partitions.
    case assigned(Int)
    /// The member has none any more.
    case revoked
    /// Work in progress held up a rebalance for too long and will be done again elsewhere.
    case handBackTimedOut
    /// What was finished is not on record: it is read again, or committed with the next.
    case commitRefused(KafkaError)
    /// A partition's log begins anew: the broker has forgotten what it had.
    case positionReset(KafkaPartition, from: Int64, to: Int64)
    /// The producer's client was dead and has a successor.
    case replaced(KafkaError)
}
