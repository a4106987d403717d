import Clocks
import TestSupport
import Testing

@testable import DevBroker

@Suite("The wire format")
struct ProtocolTests {
    @Test("the checksum is CRC-32C, as the catalogue of checksums has it")
    func checksum() {
        let digits = Array("123456789".utf8)
        #expect(digits.withUnsafeBytes { CRC32C.checksum($0) } == 0xE306_9283)
        #expect([UInt8](repeating: 0, count: 32).withUnsafeBytes { CRC32C.checksum($0) } == 0x8A91_36AA)
        #expect([UInt8]().withUnsafeBytes { CRC32C.checksum($0) } == 0)
    }

    @Test(
        "a length that reaches beyond the request is refused",
        arguments: [[0, 5, 65], [0x7F, 0xFF], [0xFF, 0xFE], [0]] as [[UInt8]])
    func lengths(bytes: [UInt8]) {
        #expect(throws: MalformedRequest.self) {
            var reader = ByteReader(bytes)
            _ = try reader.string()
        }
    }

    @Test("an array that claims more elements than there are bytes is refused, and so is text that is no UTF-8")
    func arrays() {
        #expect(throws: MalformedRequest.self) {
            var reader = ByteReader([0x7F, 0xFF, 0xFF, 0xFF, 0, 0])
            _ = try reader.array(of: Int32.self, version: 0)
        }
        #expect(throws: MalformedRequest.self) {
            var reader = ByteReader([0, 1, 0xFF])
            _ = try reader.string()
        }
    }

    @Test("variable-length numbers come back as they were written")
    func varlongs() throws {
        for value in [0, 1, -1, 63, 64, -65, 300, .max, .min] as [Int64] {
            var writer = ByteWriter()
            writer.varlong(value)
            var reader = ByteReader(writer.bytes)
            #expect(try reader.varlong() == value)
        }
        #expect(throws: MalformedRequest.self) {
            var reader = ByteReader([UInt8](repeating: 0x80, count: 11))
            _ = try reader.varlong()
        }
    }

    @Test("requests are cut out of the stream wherever it is broken", arguments: 1..<12)
    func frames(piece: Int) throws {
        let stream: [UInt8] = [0, 0, 0, 2, 1, 2, 0, 0, 0, 1, 3, 0, 0, 0, 3, 4, 5, 6]
        var assembler = FrameAssembler()
        var frames: [[UInt8]] = []
        for start in stride(from: 0, to: stream.count, by: piece) {
            Array(stream[start..<min(stream.count, start + piece)]).withUnsafeBytes { assembler.append($0) }
            while assembler.hasFrame, let frame = try assembler.next() { frames.append(frame) }
        }
        #expect(frames == [[1, 2], [3], [4, 5, 6]])
        #expect(try assembler.next() == nil)
    }

    @Test(
        "a length that no request has is refused before anything is kept for it",
        arguments: [0, -1, 16_777_217] as [Int32])
    func frameLength(length: Int32) {
        var assembler = FrameAssembler()
        withUnsafeBytes(of: length.bigEndian) { assembler.append($0) }
        #expect(assembler.hasFrame)
        #expect(throws: MalformedRequest.self) { try assembler.next() }
    }

    @Test("versions are told in the form that was asked for, and in the oldest to a client from the future")
    func versions() throws {
        var bench = Bench()
        bench.send(.apiVersions, 0) { _ in }
        var reader = try bench.answer()
        #expect(try reader.integer(Int16.self) == 0)
        #expect(try reader.integer(Int32.self) == Int32(APIKey.allCases.count))

        bench.send(.apiVersions, 3) {
            for text in ["name", "1"] {
                $0.unsignedVarint(UInt32(text.utf8.count + 1))
                $0.raw(Array(text.utf8))
            }
            $0.unsignedVarint(0)
        }
        reader = try bench.answer()
        #expect(try reader.integer(Int16.self) == 0)
        #expect(try reader.unsignedVarint() == UInt32(APIKey.allCases.count + 1))

        bench.send(.apiVersions, 4) { $0.raw([9, 9, 9]) }
        reader = try bench.answer()
        #expect(try reader.integer(Int16.self) == ErrorCode.unsupportedVersion.rawValue)
        #expect(try reader.integer(Int32.self) == Int32(APIKey.allCases.count))
        #expect(bench.closed.isEmpty)
    }

    @Test("what cannot be answered closes the connection with the reason")
    func unanswerable() {
        var bench = Bench()
        bench.send(.metadata, 99, from: 1) { _ in }
        bench.send(.produce, 2, from: 2) { _ in }
        bench.send(.heartbeat, 0, from: 3) { $0.string("g") }
        bench.send(.listGroups, 0, from: 4) { $0.integer(Int8(0)) }
        bench.core.receive([0, 99, 0, 0, 0, 0, 0, 1, 0xFF, 0xFF], from: 5, now: bench.now)
        bench.settle()
        #expect(bench.closed[1]?.contains("version 99 of metadata, of which this broker has 0 to 8") == true)
        #expect(bench.closed[2]?.contains("version 2 of produce") == true)
        #expect(bench.closed[3]?.contains("announced") == true)
        #expect(bench.closed[4]?.contains("1 bytes more") == true)
        #expect(bench.closed[5]?.contains("API 99") == true)
        #expect(bench.answers.isEmpty)
    }

    @Test("random and mutilated requests are answered or close their connection, and never do more", arguments: 0..<60)
    func fuzz(seed: UInt64) {
        let random = SeededRandom(seed: seed)
        func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }
        var bench = Bench(topics: ["t": 3])
        let sound = Samples.all
        for connection in ConnectionKey(1)...400 {
            var frame = sound[below(sound.count)]
            switch below(4) {
            case 0: frame = (0..<below(80)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            case 1: frame = Array(frame.prefix(below(frame.count + 1)))
            case 2: for _ in 0...below(4) { frame[below(frame.count)] = UInt8(truncatingIfNeeded: random.next()) }
            default: break
            }
            bench.core.receive(frame, from: connection, now: bench.now)
            bench.settle()
            if below(10) == 0 { bench.advance(by: .milliseconds(Int64(below(2000)))) }
            let isDone = bench.closed[connection] != nil || bench.answers[connection]?.isEmpty == false
            let mayWantNone = frame.prefix(2) == [0, 0]
            #expect(isDone || bench.core.isBusy(connection) || mayWantNone, "seed \(seed)")
            #expect((bench.answers[connection]?.count ?? 0) <= 1, "seed \(seed)")
            if below(10) == 0 { bench.core.disconnected(ConnectionKey(below(Int(connection)) + 1)) }
        }
        // It still works.
        bench.advance(by: .seconds(3600))
        bench.send(.metadata, 8, from: 1000) {
            $0.integer(Int32(-1))
            $0.raw([0, 0, 0])
        }
        #expect(bench.receive(1000) != nil, "seed \(seed)")
    }
}

/// One sound request of each kind.
enum Samples {
    static let all: [[UInt8]] = [
        Bench.frame(.apiVersions, 0) { _ in },
        Bench.frame(.metadata, 8) {
            $0.integer(Int32(2))
            $0.string("t")
            $0.string("new")
            $0.raw([1, 0, 0])
        },
        Bench.frame(.produce, 7) { Bench.writeProduce(&$0, Batches.make(["a", "b"]), "t", 1, acks: -1) },
        Bench.frame(.fetch, 11) {
            Bench.writeFetch(&$0, 0, "t", 0, wait: 500, minimum: 1, maximum: 1 << 20)
        },
        Bench.frame(.listOffsets, 5) {
            $0.integer(Int32(-1))
            $0.integer(Int8(0))
            $0.integer(Int32(1))
            $0.string("t")
            $0.integer(Int32(1))
            $0.integer(Int32(0))
            $0.integer(Int32(-1))
            $0.integer(Int64(500))
        },
        Bench.frame(.joinGroup, 5) { GroupRequests.join(&$0, group: "g", member: "", instance: "i") },
        Bench.frame(.syncGroup, 3) {
            $0.string("g")
            $0.integer(Int32(1))
            $0.string("m")
            $0.nullableString(nil)
            $0.integer(Int32(0))
        },
        Bench.frame(.heartbeat, 3) {
            $0.string("g")
            $0.integer(Int32(1))
            $0.string("m")
            $0.nullableString(nil)
        },
        Bench.frame(.leaveGroup, 3) {
            $0.string("g")
            $0.integer(Int32(1))
            $0.string("m")
            $0.nullableString("i")
        },
        Bench.frame(.offsetCommit, 7) {
            $0.string("g")
            $0.integer(Int32(-1))
            $0.string("")
            $0.nullableString(nil)
            $0.integer(Int32(1))
            $0.string("t")
            $0.integer(Int32(1))
            $0.integer(Int32(0))
            $0.integer(Int64(3))
            $0.integer(Int32(-1))
            $0.nullableString(nil)
        },
        Bench.frame(.offsetFetch, 5) {
            $0.string("g")
            $0.integer(Int32(-1))
        },
        Bench.frame(.createTopics, 4) {
            $0.integer(Int32(1))
            $0.string("made")
            $0.integer(Int32(3))
            $0.integer(Int16(1))
            $0.integer(Int32(0))
            $0.integer(Int32(0))
            $0.integer(Int32(1000))
            $0.boolean(false)
        },
        Bench.frame(.deleteTopics, 3) {
            $0.integer(Int32(1))
            $0.string("t")
            $0.integer(Int32(1000))
        },
        Bench.frame(.describeConfigs, 3) {
            $0.integer(Int32(1))
            $0.integer(Int8(2))
            $0.string("t")
            $0.integer(Int32(-1))
            $0.raw([1, 1])
        },
        Bench.frame(.describeGroups, 4) {
            $0.integer(Int32(1))
            $0.string("g")
            $0.raw([0])
        },
        Bench.frame(.listGroups, 2) { _ in },
        Bench.frame(.initProducerID, 1) {
            $0.nullableString(nil)
            $0.integer(Int32(1000))
        },
        Bench.frame(.findCoordinator, 2) {
            $0.string("g")
            $0.integer(Int8(0))
        },
    ]
}

enum GroupRequests {
    static func join(_ writer: inout ByteWriter, group: String, member: String, instance: String?) {
        writer.string(group)
        writer.integer(Int32(6000))
        writer.integer(Int32(10_000))
        writer.string(member)
        writer.nullableString(instance)
        writer.string("consumer")
        writer.integer(Int32(1))
        writer.string("range")
        writer.byteString([1, 2, 3])
    }
}
