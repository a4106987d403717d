import Clocks

extension BrokerCore {
    mutating func findCoordinator(_ request: FindCoordinatorRequest, _ address: ReplyAddress) {
        let response =
            request.isGroup
            ? FindCoordinatorResponse(error: .none, message: nil, node: node)
            : FindCoordinatorResponse(
                error: .invalidRequest, message: "This broker has no transactions.", node: node)
        reply(address, response)
    }

    mutating func join(_ request: JoinGroupRequest, _ clientID: String, _ address: ReplyAddress, now: MonotonicInstant)
    {
        waitForGroup(address.connection)
        deliver(groups.join(request, clientID: clientID, from: address, now: now))
    }

    mutating func sync(_ request: SyncGroupRequest, _ address: ReplyAddress, now: MonotonicInstant) {
        waitForGroup(address.connection)
        deliver(groups.sync(request, from: address, now: now))
    }

    mutating func leave(_ request: LeaveGroupRequest, _ address: ReplyAddress, now: MonotonicInstant) {
        let (response, answers) = groups.leave(request, now: now)
        reply(address, response)
        deliver(answers)
    }

    mutating func commitOffsets(_ request: OffsetCommitRequest, _ address: ReplyAddress, now: MonotonicInstant) {
        // What lies in no partition is put on nobody's record.
        var known = request
        for index in known.topics.indices {
            let name = known.topics[index].name
            known.topics[index].partitions.removeAll { topics.slot(name, $0.number) == nil }
        }
        let error = groups.commit(known, now: now)
        let answers = request.topics.map { topic in
            OffsetCommitResponse.Topic(
                name: topic.name,
                partitions: topic.partitions.map { partition in
                    let isKnown = topics.slot(topic.name, partition.number) != nil
                    return (partition.number, error == .none && !isKnown ? .unknownTopicOrPartition : error)
                })
        }
        reply(address, OffsetCommitResponse(topics: answers))
    }

    mutating func fetchOffsets(_ request: OffsetFetchRequest, _ address: ReplyAddress) {
        let committed = groups.committed(request.group)
        let answers: [OffsetFetchResponse.Topic]
        if let topics = request.topics {
            answers = topics.map { topic in
                OffsetFetchResponse.Topic(
                    name: topic.name,
                    partitions: topic.partitions.map {
                        ($0, committed[TopicPartition(topic: topic.name, number: $0)])
                    })
            }
        } else {
            answers = Dictionary(grouping: committed, by: \.key.topic).sorted { $0.key < $1.key }.map { name, entries in
                OffsetFetchResponse.Topic(
                    name: name,
                    partitions: entries.map { ($0.key.number, $0.value) }.sorted { $0.0 < $1.0 })
            }
        }
        reply(address, OffsetFetchResponse(topics: answers))
    }
}
