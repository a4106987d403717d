import Clocks
import TestSupport
import Testing

@testable import DevBroker

@Suite("Writing and reading records")
struct RecordsTests {
    @Test("what is produced is fetched, at the offsets that were told")
    func roundTrip() throws {
        var bench = Bench()
        #expect(try bench.produce(Batches.make(["a", "b"]))?.offset == 0)
        #expect(try bench.produce(Batches.make(["c"]))?.offset == 2)
        bench.fetch(from: 0)
        let all = try #require(try bench.fetched())
        #expect(all.end == 3 && all.start == 0 && all.error == 0)
        #expect(try Batches.read(all.records).map(\.value) == ["a", "b", "c"])
        #expect(try Batches.read(all.records).map(\.offset) == [0, 1, 2])
        bench.fetch(from: 1)
        let fromWithin = try #require(try bench.fetched())
        #expect(try Batches.read(fromWithin.records).first?.offset == 0, "a batch is given whole")
    }

    @Test("a fetch that waits is answered at once by the first record, and by no other partition's")
    func longPoll() throws {
        var bench = Bench()
        bench.fetch(from: 0, connection: 2, wait: 500)
        #expect(bench.core.isBusy(2))
        _ = try bench.produce(Batches.make(["elsewhere"]), to: "t", 1)
        #expect(try bench.fetched(2) == nil)
        _ = try bench.produce(Batches.make(["here"]))
        #expect(try Batches.read(try #require(try bench.fetched(2)).records).map(\.value) == ["here"])
        #expect(!bench.core.isBusy(2))
        #expect(bench.core.fetches.count == 0)
        #expect(bench.core.deadline() == nil, "no time is left to be heeded")
    }

    @Test("a fetch waits as long as it asked to, and then has nothing")
    func maximumWait() throws {
        var bench = Bench()
        bench.fetch(from: 0, wait: 500)
        #expect(bench.core.deadline() == bench.now.advanced(by: .milliseconds(500)))
        bench.advance(by: .milliseconds(499))
        #expect(try bench.fetched() == nil)
        bench.advance(by: .milliseconds(1))
        let answer = try #require(try bench.fetched())
        #expect(answer.error == 0 && answer.records.isEmpty && answer.end == 0)
    }

    @Test(
        "while its partitions are new, a fetch is answered soon, so that its reader can add those it has found"
    )
    func freshPartitions() throws {
        var bench = Bench(limits: BrokerLimits())
        let waits = [Int64](repeating: 20, count: 13) + [500]
        for (step, wait) in (waits + waits + waits).enumerated() {
            let partition: Int32 = step / waits.count == 1 ? 1 : 0
            bench.fetch(from: 0, of: "t", partition, wait: 500)
            bench.advance(by: .milliseconds(wait - 1))
            #expect(bench.core.isBusy(1), "partition \(partition), \(wait) ms")
            bench.advance(by: .milliseconds(1))
            #expect(try bench.fetched()?.records.isEmpty == true, "partition \(partition), \(wait) ms")
        }
    }

    @Test("a fetch waits until there are the bytes it wants")
    func minimumBytes() throws {
        var bench = Bench()
        let batch = Batches.make(["0123456789"])
        bench.fetch(from: 0, connection: 2, wait: 500, minimum: Int32(2 * batch.count))
        _ = try bench.produce(batch)
        #expect(try bench.fetched(2) == nil)
        _ = try bench.produce(batch)
        #expect(try bench.fetched(2)?.records.count == 2 * batch.count)
    }

    @Test("records of one round come in one answer")
    func rounds() throws {
        var bench = Bench()
        bench.fetch(from: 0, connection: 9, wait: 500)
        for connection in ConnectionKey(1)...3 {
            let frame = Bench.frame(.produce, 7) {
                Bench.writeProduce(&$0, Batches.make(["\(connection)"]), "t", 0, acks: 1)
            }
            bench.core.receive(frame, from: connection, now: bench.now)
        }
        bench.settle()
        #expect(try Batches.read(try #require(try bench.fetched(9)).records).map(\.value) == ["1", "2", "3"])
    }

    @Test("a further request of the connection ends its wait, and a client that is gone waits for nothing")
    func hurry() throws {
        var bench = Bench()
        bench.fetch(from: 0, wait: 500)
        bench.hurry(1)
        #expect(try bench.fetched()?.records.isEmpty == true)
        bench.fetch(from: 0, wait: 500)
        bench.core.disconnected(1)
        #expect(!bench.core.isBusy(1))
        _ = try bench.produce(Batches.make(["x"]), from: 2)
        bench.advance(by: .seconds(1))
        #expect(try bench.fetched() == nil)
    }

    @Test("a reader that comes too late, or from a log that is gone, is told that its place is not there")
    func outOfRange() throws {
        var limits = Bench.patient
        limits.retention = 250
        var bench = Bench(limits: limits)
        for number in 0..<10 { _ = try bench.produce(Batches.make(["record \(number)"])) }
        for offset in [0, 11] as [Int64] {
            bench.fetch(from: offset, wait: 500)
            let late = try #require(try bench.fetched())
            #expect(late.error == ErrorCode.offsetOutOfRange.rawValue)
            #expect(late.start > 0 && late.end == 10)
        }
        bench.fetch(from: 7)
        let start = try #require(try bench.fetched()).start
        bench.fetch(from: start)
        #expect(try Batches.read(try #require(try bench.fetched()).records).map(\.offset) == Array(start..<10))
        bench.fetch(from: 10, wait: 500)
        #expect(bench.core.isBusy(1), "at the end one waits")
    }

    @Test("the first batch is given although it is larger than what was asked for, the next one is not")
    func limits() throws {
        var bench = Bench()
        for value in ["first", "second"] { _ = try bench.produce(Batches.make([value])) }
        bench.fetch(from: 0, maximum: 1)
        #expect(try Batches.read(try #require(try bench.fetched()).records).map(\.value) == ["first"])
    }

    @Test("what is damaged or not for this broker is refused by its name, and nothing is written")
    func refused() throws {
        var bench = Bench()
        let good = Batches.make(["a"])
        var damaged = good
        damaged[good.count - 1] ^= 1
        var old = good
        old[16] = 1
        let large = Batches.make([String(repeating: "x", count: 1_100_000)])
        let cases: [([UInt8], ErrorCode)] = [
            (damaged, .corruptMessage), (Array(good.dropLast()), .invalidRecord), (good + good, .invalidRecord),
            (old, .unsupportedForMessageFormat), ([], .corruptMessage), (large, .messageTooLarge),
            (Batches.make(["a"], attributes: 0x10), .invalidRecord),
        ]
        for (batch, error) in cases { #expect(try bench.produce(batch)?.error == error.rawValue) }
        #expect(try bench.produce(good, to: "none")?.error == ErrorCode.unknownTopicOrPartition.rawValue)
        #expect(try bench.produce(good, to: "t", 2)?.error == ErrorCode.unknownTopicOrPartition.rawValue)
        #expect(try bench.produce(good, acks: 2)?.error == ErrorCode.invalidRequiredAcks.rawValue)
        #expect(try bench.produce(good)?.offset == 0)
    }

    @Test("a producer that wants no answer gets none, and loses its connection when its records are refused")
    func noAnswer() throws {
        var bench = Bench()
        #expect(try bench.produce(Batches.make(["a"]), acks: 0) == nil)
        #expect(bench.closed.isEmpty && !bench.core.isBusy(1))
        bench.fetch(from: 0)
        #expect(try bench.fetched()?.end == 1)
        #expect(try bench.produce([1, 2, 3], from: 2, acks: 0) == nil)
        #expect(bench.closed[2]?.contains("refused") == true)
    }

    @Test("a compressed batch passes through unopened")
    func compressed() throws {
        var bench = Bench()
        let batch = Batches.make(["not really lz4"], attributes: 3)
        #expect(try bench.produce(batch)?.error == 0)
        bench.fetch(from: 0)
        #expect(try bench.fetched()?.records.dropFirst(16) == batch.dropFirst(16))
    }

    @Test("offsets are found by their time, to the record")
    func byTime() throws {
        var bench = Bench()
        _ = try bench.produce(Batches.make(["a", "b", "c"], timestamps: [100, 200, 300]))
        _ = try bench.produce(Batches.make(["d"], timestamps: [400]))
        for (time, offset) in [(-2, 0), (-1, 4), (50, 0), (200, 1), (201, 2), (301, 3), (401, -1)] as [(Int64, Int64)] {
            bench.send(.listOffsets, 2) {
                $0.integer(Int32(-1))
                $0.integer(Int8(0))
                $0.integer(Int32(1))
                $0.string("t")
                $0.integer(Int32(1))
                $0.integer(Int32(0))
                $0.integer(time)
            }
            var reader = try bench.answer()
            _ = try reader.skip(4 + 4 + 3 + 4 + 4)
            #expect(try reader.integer(Int16.self) == 0)
            _ = try reader.skip(8)
            #expect(try reader.integer(Int64.self) == offset, "at \(time)")
        }
    }

    @Test("against a plain list, whatever is written, kept and read", arguments: 0..<30)
    func model(seed: UInt64) throws {
        let random = SeededRandom(seed: seed)
        func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }
        var log = PartitionLog(retention: 2000)
        var written: [String] = []
        for step in 0..<300 {
            let values = (0...below(4)).map { "\(step)-\($0)-" + String(repeating: "x", count: below(60)) }
            #expect(log.append(try RecordBatch(Batches.make(values))) == .appended(at: Int64(written.count)))
            written += values
            #expect(log.end == Int64(written.count))
            let offset = log.start + Int64(below(Int(log.end - log.start)))
            let batches = log.read(from: offset, limit: below(3000), mayExceed: true)
            let found = try Batches.read(batches.flatMap(\.bytes))
            #expect(found.first.map { $0.offset <= offset } == true, "seed \(seed)")
            #expect(found.last.map { $0.offset >= offset } == true, "seed \(seed)")
            #expect(found.map(\.value) == found.map { written[Int($0.offset)] }, "seed \(seed)")
            let everything = log.read(from: log.start, limit: .max, mayExceed: false)
            #expect(everything.reduce(0) { $0 + $1.bytes.count } == log.size)
            #expect(log.size <= 2000 || everything.count == 1)
        }
        #expect(log.start > 0)
        #expect(log.read(from: log.end, limit: .max, mayExceed: true).isEmpty)
    }
}

@Suite("Repeats and gaps of a producer")
struct ProducerSequencesTests {
    private func batch(_ sequence: Int32, count: Int = 1, epoch: Int16 = 0) throws -> RecordBatch {
        try RecordBatch(
            Batches.make(
                (0..<count).map { "\($0)" }, producer: 7, epoch: epoch, sequence: sequence))
    }

    @Test("a repeat of one of the last five batches is answered with its place, and is not written again")
    func repeats() throws {
        var log = PartitionLog(retention: 1 << 20)
        for sequence in 0..<6 as Range<Int32> { _ = log.append(try batch(sequence)) }
        for sequence in 1..<6 as Range<Int32> {
            #expect(log.append(try batch(sequence)) == .duplicate(of: Int64(sequence)))
        }
        #expect(log.append(try batch(0)) == .refused(.outOfOrderSequence), "too long ago to be known")
        #expect(log.end == 6)
    }

    @Test("a gap is refused until what is missing has come")
    func gaps() throws {
        var log = PartitionLog(retention: 1 << 20)
        #expect(log.append(try batch(0, count: 3)) == .appended(at: 0))
        #expect(log.append(try batch(4)) == .refused(.outOfOrderSequence))
        #expect(log.append(try batch(3)) == .appended(at: 3))
        #expect(log.append(try batch(4)) == .appended(at: 4))
    }

    @Test("an unknown producer may begin anywhere: its earlier batches went with the broker that had them")
    func unknown() throws {
        var log = PartitionLog(retention: 1 << 20)
        #expect(log.append(try batch(100)) == .appended(at: 0))
        #expect(log.append(try batch(102)) == .refused(.outOfOrderSequence))
    }

    @Test("a new epoch begins at zero, an old one is refused")
    func epochs() throws {
        var log = PartitionLog(retention: 1 << 20)
        _ = log.append(try batch(0))
        #expect(log.append(try batch(5, epoch: 1)) == .refused(.outOfOrderSequence))
        #expect(log.append(try batch(0, epoch: 1)) == .appended(at: 1))
        #expect(log.append(try batch(1, epoch: 0)) == .refused(.invalidProducerEpoch))
    }

    @Test("numbers begin again at zero after the last there is")
    func wrap() throws {
        var log = PartitionLog(retention: 1 << 20)
        _ = log.append(try batch(.max - 1, count: 2))
        #expect(log.append(try batch(0)) == .appended(at: 2))
        var across = PartitionLog(retention: 1 << 20)
        _ = across.append(try batch(.max, count: 3))
        #expect(across.append(try batch(2)) == .appended(at: 3))
    }

    @Test("of very many producers those that were silent longest are forgotten")
    func bound() throws {
        var log = PartitionLog(retention: 1 << 20)
        for producer in 0...ProducerSequences.maximumProducers {
            _ = log.append(
                try RecordBatch(Batches.make(["x"], producer: Int64(producer), epoch: 0, sequence: 0)))
        }
        let last = Batches.make(["x"], producer: Int64(ProducerSequences.maximumProducers), epoch: 0, sequence: 0)
        #expect(log.append(try RecordBatch(last)) == .duplicate(of: Int64(ProducerSequences.maximumProducers)))
        let first = Batches.make(["x"], producer: 0, epoch: 0, sequence: 0)
        #expect(log.append(try RecordBatch(first)) == .appended(at: Int64(ProducerSequences.maximumProducers + 1)))
    }
}
