/// The requests this broker answers, by their numbers in the protocol.
///
/// Of each it knows the versions before the compact ("flexible") ones, which every client can fall back to.
enum APIKey: Int16, CaseIterable, Sendable {
    case produce = 0
    case fetch = 1
    case listOffsets = 2
    case metadata = 3
    case offsetCommit = 8
    case offsetFetch = 9
    case findCoordinator = 10
    case joinGroup = 11
    case heartbeat = 12
    case leaveGroup = 13
    case syncGroup = 14
    case describeGroups = 15
    case listGroups = 16
    case apiVersions = 18
    case createTopics = 19
    case deleteTopics = 20
    case initProducerID = 22
    case describeConfigs = 32

    /// The versions served.
    var versions: ClosedRange<Int16> {
        switch self {
        case .produce: 3...7
        case .fetch: 4...11
        case .listOffsets: 1...5
        case .metadata: 0...8
        case .offsetCommit: 2...7
        case .offsetFetch: 1...5
        case .findCoordinator: 0...2
        case .joinGroup: 0...5
        case .heartbeat, .leaveGroup, .syncGroup: 0...3
        case .describeGroups: 0...4
        case .listGroups: 0...2
        case .apiVersions: 0...3
        case .createTopics: 0...4
        case .deleteTopics: 0...3
        case .initProducerID: 0...1
        case .describeConfigs: 0...3
        }
    }

    /// The versions that clients are told of.
    ///
    /// Produce begins at 0, as with Apache Kafka: librdkafka looks for that one before it compresses, and then uses a later one.
    var advertised: ClosedRange<Int16> { self == .produce ? 0...versions.upperBound : versions }
}
