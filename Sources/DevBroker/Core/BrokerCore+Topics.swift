extension BrokerCore {
    /// Tells of topics; makes those that are asked for by name and missing, if the client allows it.
    mutating func metadata(_ request: MetadataRequest, _ address: ReplyAddress) {
        let answers = (request.topics ?? topics.names).map { name in
            var answer = MetadataResponse.Topic(name: name, partitionCount: 0)
            if let count = topics.partitionCount(name) {
                answer.partitionCount = count
            } else if request.allowsCreation {
                answer.error = topics.create(name, partitions: topics.limits.defaultPartitions)
                answer.partitionCount = topics.partitionCount(name) ?? 0
            } else {
                answer.error = TopicSpecification.isName(name) ? .unknownTopicOrPartition : .invalidTopic
            }
            return answer
        }
        reply(address, MetadataResponse(node: node, topics: answers), capacity: 256 + 48 * answers.count)
    }

    mutating func createTopics(_ request: CreateTopicsRequest, _ address: ReplyAddress) {
        var answers: [(name: String, error: ErrorCode, message: String?)] = []
        for topic in request.topics {
            let count =
                !topic.assignments.isEmpty
                ? Int32(clamping: topic.assignments.count)
                : topic.partitionCount == -1 ? topics.limits.defaultPartitions : topic.partitionCount
            let isElsewhere = topic.assignments.contains { $0.brokers != [BrokerNode.id] }
            if isElsewhere || !(topic.assignments.isEmpty ? [1, -1] : [-1]).contains(topic.replicationFactor) {
                answers.append((topic.name, .invalidReplicationFactor, "There is one broker, number 1."))
                continue
            }
            let error =
                request.isTrial
                ? topics.refusal(of: topic.name, partitions: count) : topics.create(topic.name, partitions: count)
            answers.append((topic.name, error, nil))
        }
        reply(address, CreateTopicsResponse(topics: answers))
    }

    /// Takes topics away; who waits for their records is told so.
    mutating func deleteTopics(_ request: DeleteTopicsRequest, _ address: ReplyAddress) {
        var answers: [(name: String, error: ErrorCode)] = []
        for name in request.topics {
            guard let waiters = topics.delete(name) else {
                answers.append((name, .unknownTopicOrPartition))
                continue
            }
            fetches.wake(waiters)
            groups.forget(topic: name)
            answers.append((name, .none))
        }
        reply(address, DeleteTopicsResponse(topics: answers))
    }

    /// Tells of the few settings that tools look at; none can be changed.
    mutating func describeConfigs(_ request: DescribeConfigsRequest, _ address: ReplyAddress) {
        let retention = String(topics.limits.retention)
        let ofTopic = [
            ("cleanup.policy", "delete"), ("retention.bytes", retention), ("min.insync.replicas", "1"),
            ("max.message.bytes", String(RecordBatch.maximumSize)),
        ]
        let ofBroker = [
            ("broker.id", String(BrokerNode.id)), ("num.partitions", String(topics.limits.defaultPartitions)),
            ("log.retention.bytes", retention), ("auto.create.topics.enable", "true"),
            ("offsets.topic.replication.factor", "1"), ("default.replication.factor", "1"),
        ]
        let answers = request.resources.map { resource in
            var answer = DescribeConfigsResponse.Resource(kind: resource.kind, name: resource.name)
            switch resource.kind {
            case 2 where topics.partitionCount(resource.name) != nil: answer.settings = ofTopic
            case 2: answer.error = .unknownTopicOrPartition
            case 4: answer.settings = ofBroker
            default: answer.error = .invalidRequest
            }
            if let wanted = resource.settings { answer.settings.removeAll { !wanted.contains($0.name) } }
            return answer
        }
        reply(address, DescribeConfigsResponse(resources: answers))
    }
}
