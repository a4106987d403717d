/// A batch of records in the second form of the protocol, kept as it was received.
///
/// Only its place is written into it, which its checksum leaves out; the records may be compressed and are not opened.
struct RecordBatch: Hashable, Sendable {
    /// The largest batch taken, as with Apache Kafka's own default.
    static let maximumSize = 1_048_588
    private static let headerSize = 61

    private(set) var bytes: [UInt8]
    let recordCount: Int32
    let producer: Int64
    let producerEpoch: Int16
    let firstSequence: Int32
    let baseTimestamp: Int64
    let maximumTimestamp: Int64
    private let attributes: Int16
    private(set) var baseOffset: Int64 = 0

    /// After the batch's last record.
    var nextOffset: Int64 { baseOffset + Int64(recordCount) }

    var lastSequence: Int32 { Int32(truncatingIfNeeded: (Int64(firstSequence) + Int64(recordCount) - 1) & 0x7FFF_FFFF) }

    /// Takes what a producer sent for one partition.
    ///
    /// - Throws: the protocol's error for what is not exactly one sound batch.
    init(_ received: [UInt8]) throws(ErrorCode) {
        guard received.count >= Self.headerSize else { throw .corruptMessage }
        func field<Value: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _ type: Value.Type) -> Value {
            received.withUnsafeBytes { Value(bigEndian: $0.loadUnaligned(fromByteOffset: offset, as: Value.self)) }
        }
        guard field(16, Int8.self) == 2 else { throw .unsupportedForMessageFormat }
        guard received.count <= Self.maximumSize else { throw .messageTooLarge }
        guard Int(field(8, Int32.self)) == received.count - 12 else { throw .invalidRecord }
        let checksum = received.withUnsafeBytes { CRC32C.checksum(UnsafeRawBufferPointer(rebasing: $0[21...])) }
        guard checksum == field(17, UInt32.self) else { throw .corruptMessage }
        attributes = field(21, Int16.self)
        recordCount = field(57, Int32.self)
        // Transactions and their markers are not for clients of this broker.
        guard attributes & 0b11_0000 == 0, recordCount > 0, field(23, Int32.self) == recordCount - 1 else {
            throw .invalidRecord
        }
        baseTimestamp = field(27, Int64.self)
        maximumTimestamp = field(35, Int64.self)
        producer = field(43, Int64.self)
        producerEpoch = field(51, Int16.self)
        firstSequence = field(53, Int32.self)
        guard producer < 0 || (producerEpoch >= 0 && firstSequence >= 0) else { throw .invalidRecord }
        bytes = received
    }

    /// Gives the batch its place in the log.
    mutating func place(at offset: Int64) {
        baseOffset = offset
        bytes.withUnsafeMutableBytes {
            $0.storeBytes(of: offset.bigEndian, toByteOffset: 0, as: Int64.self)
            $0.storeBytes(of: PartitionLog.leaderEpoch.bigEndian, toByteOffset: 12, as: Int32.self)
        }
    }

    /// The same without its bytes, for a place in a list whose batch is gone.
    mutating func forget() { bytes = [] }

    /// The first record of at least that time; of a compressed batch its first one, which comes no later.
    func firstRecord(notBefore timestamp: Int64) -> (offset: Int64, timestamp: Int64) {
        guard attributes & 0b111 == 0, let found = try? search(timestamp) else { return (baseOffset, baseTimestamp) }
        return found
    }

    private func search(_ wanted: Int64) throws(MalformedRequest) -> (offset: Int64, timestamp: Int64)? {
        var reader = ByteReader(bytes)
        _ = try reader.skip(Self.headerSize)
        for _ in 0..<recordCount {
            let length = Int(clamping: try reader.varlong())
            let end = reader.position + length
            _ = try reader.integer(Int8.self)
            let timestamp = baseTimestamp &+ (try reader.varlong())
            let offset = baseOffset &+ (try reader.varlong())
            if timestamp >= wanted { return (offset, timestamp) }
            _ = try reader.skip(end - reader.position)
        }
        return nil
    }
}

extension ErrorCode: Error {}
