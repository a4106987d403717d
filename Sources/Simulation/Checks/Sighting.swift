/// Something rare that worlds have to see often enough, or their keeping promises would prove little.
package enum Sighting: String, CaseIterable, Sendable {
    case takeOver, heldRows, fullMemory, unknownCommit, offsetRefused
    case repeatedMessage, repeatedRequest, expiredCommand, compensationFirst
    case parkedMessage, parkedFollower, deadLetter
    case lateAnswer, quarantine, putOff, parkedSaga, directCommand, confirmationRepeated
}

extension World {
    func saw(_ sighting: Sighting) {
        sightings.insert(sighting)
    }
}
