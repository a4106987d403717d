/// The protocol's error numbers that this broker uses.
enum ErrorCode: Int16, Sendable {
    case none = 0
    case offsetOutOfRange = 1
    case corruptMessage = 2
    case unknownTopicOrPartition = 3
    case messageTooLarge = 10
    case coordinatorNotAvailable = 15
    case invalidTopic = 17
    case invalidRequiredAcks = 21
    case illegalGeneration = 22
    case inconsistentGroupProtocol = 23
    case invalidGroupID = 24
    case unknownMemberID = 25
    case invalidSessionTimeout = 26
    case rebalanceInProgress = 27
    case unsupportedVersion = 35
    case topicAlreadyExists = 36
    case invalidPartitions = 37
    case invalidReplicationFactor = 38
    case invalidRequest = 42
    case unsupportedForMessageFormat = 43
    case policyViolation = 44
    case outOfOrderSequence = 45
    case invalidProducerEpoch = 47
    case groupIDNotFound = 69
    case fetchSessionIDNotFound = 70
    case memberIDRequired = 79
    case fencedInstanceID = 82
    case invalidRecord = 87
}

extension ByteWriter {
    mutating func error(_ code: ErrorCode) { integer(code.rawValue) }
}
