import Messaging

/// Messages that are parked are due work: claimed by the key of their order, tried by any replica.
struct ParkedWork: DueWork {
    /// How many keys are tried at a time; each takes a database connection.
    static let concurrency = 4

    let lot: ParkingLot

    var admission: CallAdmission { .open }

    func claim(limit: Int) async throws -> [ParkedClaim] { try await lot.claim(limit: limit) }

    func work(on claim: ParkedClaim) async { await lot.retry(claim) }

    func untilNextDue() async throws -> Duration? { try await lot.untilNextDue() }
}
