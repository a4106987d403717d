import Clocks

extension BrokerCore {
    /// Reads a request's body and performs it.
    mutating func dispatch(
        _ header: RequestHeader, _ reader: inout ByteReader, from connection: ConnectionKey, now: MonotonicInstant
    ) throws(MalformedRequest) {
        let address = ReplyAddress(
            connection: connection, correlation: header.correlation, version: header.version)
        switch header.api {
        case .apiVersions:
            // Newer clients begin with a version from after this broker's time and are told in the oldest form.
            guard header.api.versions.contains(header.version) else {
                let oldest = ReplyAddress(connection: connection, correlation: header.correlation, version: 0)
                return reply(oldest, APIVersionsResponse(error: .unsupportedVersion))
            }
            _ = try body(header, &reader) as APIVersionsRequest
            reply(address, APIVersionsResponse())
        case .produce: produce(try body(header, &reader), address)
        case .fetch: fetch(try body(header, &reader), address, now: now)
        case .listOffsets: listOffsets(try body(header, &reader), address)
        case .metadata: metadata(try body(header, &reader), address)
        case .createTopics: createTopics(try body(header, &reader), address)
        case .deleteTopics: deleteTopics(try body(header, &reader), address)
        case .describeConfigs: describeConfigs(try body(header, &reader), address)
        case .initProducerID: initProducer(try body(header, &reader), address)
        case .findCoordinator: findCoordinator(try body(header, &reader), address)
        case .joinGroup: join(try body(header, &reader), header.clientID ?? "", address, now: now)
        case .syncGroup: sync(try body(header, &reader), address, now: now)
        case .heartbeat:
            reply(address, HeartbeatResponse(error: groups.heartbeat(try body(header, &reader), now: now)))
        case .leaveGroup: leave(try body(header, &reader), address, now: now)
        case .offsetCommit: commitOffsets(try body(header, &reader), address, now: now)
        case .offsetFetch: fetchOffsets(try body(header, &reader), address)
        case .describeGroups:
            let request: DescribeGroupsRequest = try body(header, &reader)
            reply(address, DescribeGroupsResponse(groups: request.groups.map { groups.describe($0) }))
        case .listGroups:
            _ = try body(header, &reader) as EmptyRequest
            reply(address, ListGroupsResponse(groups: groups.list))
        }
    }

    /// The request's content, with nothing behind it.
    private func body<Request: WireReadable>(
        _ header: RequestHeader, _ reader: inout ByteReader
    ) throws(MalformedRequest) -> Request {
        let request = try Request(from: &reader, version: header.version)
        guard reader.remaining == 0 else {
            throw MalformedRequest(
                description: "its \(header.api) request has \(reader.remaining) bytes more than its content")
        }
        return request
    }
}
