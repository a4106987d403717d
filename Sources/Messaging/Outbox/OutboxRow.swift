import Clocks

/// A message that is committed and waits to be published.
package struct OutboxRow: Hashable, Sendable {
    /// Where the message lies: which batch, and at which place in it.
    package struct Position: Hashable, Sendable {
        package var orderID: UUID
        /// The batch's primary key; it grows in the order of writing.
        package var batch: Int64
        /// The place in the batch, from zero; less than ``placesPerBatch``.
        package var place: Int

        package init(orderID: UUID, batch: Int64, place: Int = 0) {
            self.orderID = orderID
            self.batch = batch
            self.place = place
        }

        /// Batches are no larger than this.
        static let placesPerBatch = 1 << 10

        /// The order of writing, as one number.
        package var sequence: Int64 { Self.sequence(batch: batch) + Int64(place) }

        /// The sequence of the first message of a batch.
        package static func sequence(batch: Int64) -> Int64 { batch * Int64(placesPerBatch) }
    }

    package var position: Position
    /// How many messages its batch has.
    package var batchSize: Int
    package var message: OutgoingMessage

    package init(position: Position, batchSize: Int = 1, message: OutgoingMessage) {
        self.position = position
        self.batchSize = batchSize
        self.message = message
    }
}
