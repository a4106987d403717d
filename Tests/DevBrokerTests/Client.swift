import Clocks
import Testing

@testable import DevBroker

/// A broker without sockets, and what its clients would send and receive.
struct Bench {
    var core: BrokerCore
    var now = MonotonicInstant(nanoseconds: 1_000_000_000)
    private var correlation: Int32 = 0
    /// Answers by connection, without their length and correlation.
    private(set) var answers: [ConnectionKey: [[UInt8]]] = [:]
    private(set) var closed: [ConnectionKey: String] = [:]

    init(topics: [String: Int32] = ["t": 2], limits: BrokerLimits = Bench.patient) {
        core = BrokerCore(
            node: BrokerNode(host: "127.0.0.1", port: 9),
            topics: topics.sorted { $0.key < $1.key }.map {
                TopicSpecification(name: $0.key, partitions: $0.value)
            }, limits: limits, seed: 7)
    }

    /// The bounds of a broker at which every fetch waits as long as it asks to.
    static var patient: BrokerLimits {
        var limits = BrokerLimits()
        limits.freshTime = .zero
        return limits
    }

    /// Sends a request and ends the round.
    mutating func send(
        _ api: APIKey, _ version: Int16, from connection: ConnectionKey = 1, _ body: (inout ByteWriter) -> Void
    ) {
        correlation += 1
        core.receive(Self.frame(api, version, correlation: correlation, body), from: connection, now: now)
        settle()
    }

    mutating func settle() {
        core.settle(now: now)
        collect()
    }

    mutating func advance(by duration: Duration) {
        now = now.advanced(by: duration)
        settle()
    }

    mutating func hurry(_ connection: ConnectionKey) {
        core.hurry(connection)
        collect()
    }

    private mutating func collect() {
        for action in core.takeActions() {
            switch action {
            case .send(let key, let bytes): answers[key, default: []].append(Array(bytes[8...]))
            case .close(let key, let reason): closed[key] = reason
            }
        }
    }

    /// The next answer to a connection, to be read; nil when there is none.
    mutating func receive(_ connection: ConnectionKey = 1) -> ByteReader? {
        guard answers[connection]?.isEmpty == false else { return nil }
        return answers[connection]?.removeFirst().reader
    }

    /// The next answer, which must be there.
    mutating func answer() throws -> ByteReader {
        let answer = receive()
        return try #require(answer)
    }

    static func frame(
        _ api: APIKey, _ version: Int16, correlation: Int32 = 1, _ body: (inout ByteWriter) -> Void
    ) -> [UInt8] {
        var writer = ByteWriter()
        writer.integer(api.rawValue)
        writer.integer(version)
        writer.integer(correlation)
        writer.nullableString("client")
        if api == .apiVersions, version == 3 { writer.unsignedVarint(0) }
        body(&writer)
        return writer.bytes
    }
}

extension [UInt8] {
    fileprivate var reader: ByteReader { ByteReader(self) }
}

extension Bench {
    /// Produces a batch and returns the error and the offset.
    mutating func produce(
        _ batch: [UInt8], to topic: String = "t", _ partition: Int32 = 0, from connection: ConnectionKey = 1,
        acks: Int16 = -1
    ) throws -> (error: Int16, offset: Int64)? {
        send(.produce, 7, from: connection) {
            Self.writeProduce(&$0, batch, topic, partition, acks: acks)
        }
        guard var reader = receive(connection) else { return nil }
        _ = try reader.skip(4 + 2 + topic.utf8.count + 4)
        _ = try reader.integer(Int32.self)
        return (try reader.integer(), try reader.integer())
    }

    static func writeProduce(
        _ writer: inout ByteWriter, _ batch: [UInt8], _ topic: String, _ partition: Int32, acks: Int16
    ) {
        writer.nullableString(nil)
        writer.integer(acks)
        writer.integer(Int32(1000))
        writer.integer(Int32(1))
        writer.string(topic)
        writer.integer(Int32(1))
        writer.integer(partition)
        writer.byteString(batch)
    }

    /// Asks for the records of one partition from an offset on.
    mutating func fetch(
        from offset: Int64, of topic: String = "t", _ partition: Int32 = 0, connection: ConnectionKey = 1,
        wait: Int32 = 0, minimum: Int32 = 1, maximum: Int32 = 1 << 20
    ) {
        send(.fetch, 11, from: connection) {
            Self.writeFetch(&$0, offset, topic, partition, wait: wait, minimum: minimum, maximum: maximum)
        }
    }

    static func writeFetch(
        _ writer: inout ByteWriter, _ offset: Int64, _ topic: String, _ partition: Int32, wait: Int32, minimum: Int32,
        maximum: Int32
    ) {
        for value in [-1, wait, minimum, maximum] { writer.integer(value) }
        writer.integer(Int8(0))
        writer.integer(Int32(0))
        writer.integer(Int32(-1))
        writer.integer(Int32(1))
        writer.string(topic)
        writer.integer(Int32(1))
        writer.integer(partition)
        writer.integer(Int32(-1))
        writer.integer(offset)
        writer.integer(Int64(-1))
        writer.integer(maximum)
        writer.integer(Int32(0))
        writer.string("")
    }

    struct Fetched {
        var error: Int16
        var end: Int64
        var start: Int64
        var records: [UInt8]
    }

    /// The answer to ``fetch``; nil while it waits.
    mutating func fetched(_ connection: ConnectionKey = 1) throws -> Fetched? {
        guard var reader = receive(connection) else { return nil }
        _ = try reader.skip(4 + 2 + 4 + 4)
        _ = try reader.string()
        _ = try reader.skip(4 + 4)
        let error = try reader.integer(Int16.self)
        let end = try reader.integer(Int64.self)
        _ = try reader.skip(8)
        let start = try reader.integer(Int64.self)
        _ = try reader.skip(4 + 4)
        return Fetched(error: error, end: end, start: start, records: try reader.byteString())
    }
}

/// Record batches as a producer makes them.
enum Batches {
    static func make(
        _ values: [String], producer: Int64 = -1, epoch: Int16 = -1, sequence: Int32 = -1, timestamps: [Int64]? = nil,
        attributes: Int16 = 0
    ) -> [UInt8] {
        let times = timestamps ?? values.map { _ in 1000 }
        var records = ByteWriter()
        for (index, value) in values.enumerated() {
            var record = ByteWriter()
            record.integer(Int8(0))
            record.varlong(times[index] - times[0])
            record.varlong(Int64(index))
            record.varlong(-1)
            record.varlong(Int64(value.utf8.count))
            record.raw(Array(value.utf8))
            record.varlong(0)
            records.varlong(Int64(record.bytes.count))
            records.raw(record.bytes)
        }
        var tail = ByteWriter()
        tail.integer(attributes)
        tail.integer(Int32(values.count - 1))
        tail.integer(times[0])
        tail.integer(times.max() ?? 0)
        tail.integer(producer)
        tail.integer(epoch)
        tail.integer(sequence)
        tail.integer(Int32(values.count))
        tail.raw(records.bytes)
        var batch = ByteWriter()
        batch.integer(Int64(0))
        batch.integer(Int32(tail.bytes.count + 9))
        batch.integer(Int32(-1))
        batch.integer(Int8(2))
        batch.integer(tail.bytes.withUnsafeBytes { CRC32C.checksum($0) })
        batch.raw(tail.bytes)
        return batch.bytes
    }

    /// The values of the records in a run of batches, with their offsets.
    static func read(_ bytes: [UInt8]) throws -> [(offset: Int64, value: String)] {
        var reader = ByteReader(bytes)
        var found: [(offset: Int64, value: String)] = []
        while reader.remaining > 0 {
            let base = try reader.integer(Int64.self)
            _ = try reader.skip(49 - 4)
            _ = try reader.skip(4)
            let count = try reader.integer(Int32.self)
            for _ in 0..<count {
                _ = try reader.varlong()
                _ = try reader.skip(1)
                _ = try reader.varlong()
                let offset = base + (try reader.varlong())
                _ = try reader.varlong()
                let length = Int(try reader.varlong())
                let start = try reader.skip(length)
                found.append((offset, String(decoding: bytes[start..<start + length], as: UTF8.self)))
                _ = try reader.varlong()
            }
        }
        return found
    }
}

extension ByteWriter {
    /// The zigzag form that records use.
    mutating func varlong(_ value: Int64) {
        var rest = UInt64(bitPattern: value << 1 ^ value >> 63)
        while rest >= 0x80 {
            integer(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        integer(UInt8(rest))
    }
}
