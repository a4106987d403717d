/// The records of one partition: whole batches in memory, the oldest of which give way when there are too many bytes.
struct PartitionLog {
    /// There is one broker and it leads for as long as it lives.
    static let leaderEpoch: Int32 = 0

    /// How many bytes are kept; one batch stays however large it is.
    let retention: Int
    /// Invariant: consecutive, each beginning where the one before ends. Those before `head` are gone.
    private var batches: [RecordBatch] = []
    private var head = 0
    private(set) var size = 0
    /// After the last record.
    private(set) var end: Int64 = 0
    private var sequences = ProducerSequences()

    init(retention: Int) {
        self.retention = retention
    }

    /// The first record that is still there, or the end when there is none.
    var start: Int64 { head < batches.count ? batches[head].baseOffset : end }

    enum Outcome: Equatable {
        case appended(at: Int64)
        /// It is a producer's repeat of a batch that lies there already.
        case duplicate(of: Int64)
        case refused(ErrorCode)
    }

    /// Puts a batch at the end, unless its producer's count says that it is a repeat or that one before it is missing.
    mutating func append(_ received: RecordBatch) -> Outcome {
        switch sequences.check(received) {
        case .duplicate(let offset): return .duplicate(of: offset)
        case .refused(let error): return .refused(error)
        case .next: break
        }
        var batch = received
        batch.place(at: end)
        sequences.note(batch)
        end = batch.nextOffset
        size += batch.bytes.count
        batches.append(batch)
        trim()
        return .appended(at: batch.baseOffset)
    }

    private mutating func trim() {
        while size > retention, head < batches.count - 1 {
            size -= batches[head].bytes.count
            batches[head].forget()
            head += 1
        }
        // Half of the list is gone: making room costs less than was paid for what went.
        guard head > 64, head >= batches.count / 2 else { return }
        batches.removeFirst(head)
        head = 0
    }

    /// Whether a reader may stand there; at the end it waits.
    func contains(_ offset: Int64) -> Bool { (start...end).contains(offset) }

    /// The batches from the one that holds `offset` on, as many as fit into `limit` bytes.
    ///
    /// - Parameter mayExceed: the first one is given although it does not fit, so that its reader gets past it.
    func read(from offset: Int64, limit: Int, mayExceed: Bool) -> ArraySlice<RecordBatch> {
        let first = index(of: offset)
        var last = first
        var bytes = 0
        while last < batches.count {
            bytes += batches[last].bytes.count
            guard bytes <= limit || (mayExceed && last == first) else { break }
            last += 1
        }
        return batches[first..<last]
    }

    /// Bytes from the batch that holds `offset` on, counted as far as `limit`.
    func available(from offset: Int64, limit: Int) -> Int {
        var bytes = 0
        for batch in batches[index(of: offset)...] {
            bytes += batch.bytes.count
            if bytes >= limit { return limit }
        }
        return bytes
    }

    /// The first record of at least that time; nil when all are older.
    func find(timestamp: Int64) -> (offset: Int64, timestamp: Int64)? {
        batches[head...].first { $0.maximumTimestamp >= timestamp }?.firstRecord(notBefore: timestamp)
    }

    /// The first batch that ends after `offset`: batches lie in order.
    private func index(of offset: Int64) -> Int {
        var low = head
        var high = batches.count
        while low < high {
            let middle = (low + high) / 2
            if batches[middle].nextOffset > offset { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
