import Clocks

extension BrokerCore {
    /// Writes records; whoever waits for them is answered when the round ends.
    mutating func produce(_ request: ProduceRequest, _ address: ReplyAddress) {
        let refusal: ErrorCode? =
            request.transactionalID != nil
            ? .invalidRequest : (-1...1).contains(request.acks) ? nil : .invalidRequiredAcks
        var hasFailed = false
        let answers = request.topics.map { topic in
            ProduceResponse.Topic(
                name: topic.name,
                partitions: topic.partitions.map { partition in
                    let answer =
                        refusal.map { ProduceResponse.Partition(number: partition.number, error: $0) }
                        ?? write(partition, to: topic.name)
                    if answer.error != .none { hasFailed = true }
                    return answer
                })
        }
        guard request.acks == 0 else { return reply(address, ProduceResponse(topics: answers)) }
        // A producer that wants no answers learns of a failure by losing its connection.
        if hasFailed { close(address.connection, reason: "records of a producer that wants no answer were refused") }
    }

    private mutating func write(_ partition: ProduceRequest.Partition, to topic: String) -> ProduceResponse.Partition {
        var answer = ProduceResponse.Partition(number: partition.number, error: .none)
        guard let slot = topics.slot(topic, partition.number) else {
            answer.error = .unknownTopicOrPartition
            return answer
        }
        do throws(ErrorCode) {
            switch topics[slot].log.append(try RecordBatch(partition.records ?? [])) {
            case .appended(let offset):
                answer.baseOffset = offset
                fetches.wake(topics[slot].waiters)
            case .duplicate(let offset): answer.baseOffset = offset
            case .refused(let error): answer.error = error
            }
        } catch {
            answer.error = error
        }
        answer.logStart = topics[slot].log.start
        return answer
    }

    /// Answers with records, or puts the fetch by until there are enough of them or its time is up.
    mutating func fetch(_ request: FetchRequest, _ address: ReplyAddress, now: MonotonicInstant) {
        guard request.sessionID == 0 else {
            return reply(address, FetchResponse(error: .fetchSessionIDNotFound, topics: []))
        }
        let patience = min(.milliseconds(Int64(max(0, request.maximumWait))), topics.limits.longestFetchWait)
        let fetch = WaitingFetch(
            address: address, deadline: now.advanced(by: patience), minimum: Int(request.minimumBytes),
            maximum: min(Int(request.maximumBytes), topics.limits.maximumFetch), topics: request.topics)
        if patience == .zero || isSatisfied(fetch) { answer(fetch) } else { wait(fetch, now: now) }
    }

    /// Whether there is enough, or an error to be told of.
    func isSatisfied(_ fetch: WaitingFetch) -> Bool {
        var missing = fetch.minimum
        for topic in fetch.topics {
            for partition in topic.partitions {
                guard let slot = topics.slot(topic.name, partition.number), topics[slot].log.contains(partition.offset)
                else { return true }
                guard missing > 0 else { continue }
                missing -= topics[slot].log.available(from: partition.offset, limit: missing)
            }
        }
        return missing <= 0
    }

    /// What there is for a fetch, and how many bytes about it takes.
    func read(_ fetch: WaitingFetch) -> (FetchResponse, size: Int) {
        var room = fetch.maximum
        var size = 64
        var isFirst = true
        let answers = fetch.topics.map { topic in
            size += 16 + topic.name.utf8.count
            return FetchResponse.Topic(
                name: topic.name,
                partitions: topic.partitions.map { partition in
                    size += 48
                    guard let slot = topics.slot(topic.name, partition.number) else {
                        return FetchResponse.Partition(number: partition.number, error: .unknownTopicOrPartition)
                    }
                    let log = topics[slot].log
                    guard log.contains(partition.offset) else {
                        return FetchResponse.Partition(
                            number: partition.number, error: .offsetOutOfRange, end: log.end, logStart: log.start)
                    }
                    let batches = log.read(
                        from: partition.offset, limit: min(room, Int(partition.maximumBytes)), mayExceed: isFirst)
                    let bytes = batches.reduce(0) { $0 + $1.bytes.count }
                    if bytes > 0 { isFirst = false }
                    room -= bytes
                    size += bytes
                    return FetchResponse.Partition(
                        number: partition.number, error: .none, end: log.end, logStart: log.start, batches: batches)
                })
        }
        return (FetchResponse(topics: answers), size)
    }

    mutating func listOffsets(_ request: ListOffsetsRequest, _ address: ReplyAddress) {
        let answers = request.topics.map { topic in
            ListOffsetsResponse.Topic(
                name: topic.name,
                partitions: topic.partitions.map { partition in
                    var answer = ListOffsetsResponse.Partition(number: partition.number)
                    guard let slot = topics.slot(topic.name, partition.number) else {
                        answer.error = .unknownTopicOrPartition
                        return answer
                    }
                    switch partition.place {
                    case .earliest: answer.offset = topics[slot].log.start
                    case .latest: answer.offset = topics[slot].log.end
                    case .time(let timestamp):
                        guard let found = topics[slot].log.find(timestamp: timestamp) else { return answer }
                        (answer.offset, answer.timestamp) = found
                    }
                    return answer
                })
        }
        reply(address, ListOffsetsResponse(topics: answers))
    }

    mutating func initProducer(_ request: InitProducerIDRequest, _ address: ReplyAddress) {
        guard request.transactionalID == nil else {
            return reply(address, InitProducerIDResponse(error: .invalidRequest))
        }
        reply(address, InitProducerIDResponse(producer: newProducer()))
    }
}
