struct CreateTopicsRequest: WireReadable {
    struct Topic: WireReadable {
        var name: String
        var partitionCount: Int32
        var replicationFactor: Int16
        /// Partitions whose brokers the client has chosen.
        var assignments: [Assignment]

        init(from reader: inout ByteReader, version: Int16) throws(MalformedRequest) {
            name = try reader.string()
            partitionCount = try reader.integer()
            replicationFactor = try reader.integer()
            assignments = try reader.array(version: version)
            _ = try reader.array(of: Setting.self, version: version)
        }
    }

    struct Assignment: WireReadable {
        var brokers: [Int32]

        init(from reader: inout ByteReader, version: Int16) throws(MalformedRequest) {
            _ = try reader.integer(Int32.self)
            brokers = try reader.array(version: version)
        }
    }

    /// A setting of a topic: taken and not heeded, as everything is kept for the same time.
    private struct Setting: WireReadable {
        init(from reader: inout ByteReader, version: Int16) throws(MalformedRequest) {
            _ = try reader.string()
            _ = try reader.nullableString()
        }
    }

    var topics: [Topic]
    var isTrial = false

    init(from reader: inout ByteReader, version: Int16) throws(MalformedRequest) {
        topics = try reader.array(version: version)
        _ = try reader.integer(Int32.self)
        if version >= 1 { isTrial = try reader.boolean() }
    }
}

struct CreateTopicsResponse: WireWritable {
    var topics: [(name: String, error: ErrorCode, message: String?)]

    func write(to writer: inout ByteWriter, version: Int16) {
        if version >= 2 { writer.integer(Int32(0)) }
        writer.integer(Int32(topics.count))
        for topic in topics {
            writer.string(topic.name)
            writer.error(topic.error)
            if version >= 1 { writer.nullableString(topic.message) }
        }
    }
}

struct DeleteTopicsRequest: WireReadable {
    var topics: [String]

    init(from reader: inout ByteReader, version: Int16) throws(MalformedRequest) {
        topics = try reader.array(version: version)
        _ = try reader.integer(Int32.self)
    }
}

struct DeleteTopicsResponse: WireWritable {
    var topics: [(name: String, error: ErrorCode)]

    func write(to writer: inout ByteWriter, version: Int16) {
        if version >= 1 { writer.integer(Int32(0)) }
        writer.integer(Int32(topics.count))
        for topic in topics {
            writer.string(topic.name)
            writer.error(topic.error)
        }
    }
}

/// Asks for a number under which a producer's batches are counted.
struct InitProducerIDRequest: WireReadable {
    var transactionalID: String?

    init(from reader: inout ByteReader, version: Int16) throws(MalformedRequest) {
        transactionalID = try reader.nullableString()
        _ = try reader.integer(Int32.self)
    }
}

struct InitProducerIDResponse: WireWritable {
    var error = ErrorCode.none
    var producer: Int64 = -1

    func write(to writer: inout ByteWriter, version: Int16) {
        writer.integer(Int32(0))
        writer.error(error)
        writer.integer(producer)
        writer.integer(Int16(error == .none ? 0 : -1))
    }
}

struct DescribeConfigsRequest: WireReadable {
    struct Resource: WireReadable {
        /// 2 is a topic, 4 a broker.
        var kind: Int8
        var name: String
        /// Nil asks for all settings.
        var settings: [String]?

        init(from reader: inout ByteReader, version: Int16) throws(MalformedRequest) {
            kind = try reader.integer()
            name = try reader.string()
            settings = try reader.nullableArray(version: version)
        }
    }

    var resources: [Resource]

    init(from reader: inout ByteReader, version: Int16) throws(MalformedRequest) {
        resources = try reader.array(version: version)
        if version >= 1 { _ = try reader.boolean() }
        if version >= 3 { _ = try reader.boolean() }
    }
}

struct DescribeConfigsResponse: WireWritable {
    struct Resource: WireWritable {
        var error = ErrorCode.none
        var kind: Int8
        var name: String
        var settings: [(name: String, value: String)] = []

        func write(to writer: inout ByteWriter, version: Int16) {
            writer.error(error)
            writer.nullableString(nil)
            writer.integer(kind)
            writer.string(name)
            writer.integer(Int32(settings.count))
            for setting in settings {
                writer.string(setting.name)
                writer.nullableString(setting.value)
                // It cannot be changed.
                writer.boolean(true)
                // A default, not a secret; in version 0 the first is a boolean, and true as well.
                writer.integer(version >= 1 ? Int8(5) : 1)
                writer.boolean(false)
                if version >= 1 { writer.integer(Int32(0)) }
                if version >= 3 {
                    writer.integer(Int8(0))
                    writer.nullableString(nil)
                }
            }
        }
    }

    var resources: [Resource]

    func write(to writer: inout ByteWriter, version: Int16) {
        writer.integer(Int32(0))
        writer.array(resources, version: version)
    }
}
