import Clocks
import Glibc
import Telemetry
import Testing

@Suite("Stream log sink")
struct StreamLogSinkTests {
    private struct Pipe {
        let reading: Int32
        let writing: Int32

        init() {
            var ends: [Int32] = [0, 0]
            precondition(pipe(&ends) == 0)
            (reading, writing) = (ends[0], ends[1])
        }

        /// What is in the pipe now, which must be something.
        func readOnce() -> String {
            var buffer = [UInt8](repeating: 0, count: 65_536)
            let count = read(reading, &buffer, buffer.count)
            return Array(buffer[..<count]).text
        }

        /// Everything up to the writing end's close; the whole of it must fit into the pipe.
        func readToEnd() -> String {
            close(writing)
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = read(reading, &buffer, buffer.count)
                guard count > 0 else { break }
                bytes.append(contentsOf: buffer[..<count])
            }
            close(reading)
            return bytes.text
        }
    }

    private func record(_ index: Int, padding: Int = 0) -> LogRecord {
        LogRecord(
            timestamp: Timestamp(milliseconds: 0), level: .info, service: "s", message: "m",
            metadata: ["index": .count(index), "padding": .text(String(repeating: "x", count: padding))])
    }

    @Test("all lines come out whole and in order, and close waits for them")
    func order() async {
        let pipe = Pipe()
        let sink = StreamLogSink(descriptor: pipe.writing, format: .json)
        for index in 0..<500 { sink.log(record(index)) }
        await sink.close(within: .seconds(10))
        let lines = pipe.readToEnd().split(separator: "\n")
        #expect(lines.count == 500)
        for (index, line) in lines.enumerated() { #expect(line.contains("\"index\":\(index),")) }
        #expect(sink.droppedCount == 0)
    }

    @Test("an output that stalls costs lines, not time: the queue is bounded and the drops are counted")
    func stalledOutput() async {
        let pipe = Pipe()
        let time = StillTime()
        let sink = StreamLogSink(descriptor: pipe.writing, format: .json, capacity: 10, time: time)
        // 64 KiB fit into the pipe; the rest waits or is dropped. Nobody reads.
        for index in 0..<1000 { sink.log(record(index, padding: 3000)) }
        #expect(sink.droppedCount > 900)
        await sink.close(within: .zero)
        sink.log(record(1001))
        #expect(sink.droppedCount > 960)
        _ = pipe.readToEnd()
    }

    @Test("once the output moves again a line says how many were lost")
    func reportOfDrops() async {
        let pipe = Pipe()
        let sink = StreamLogSink(descriptor: pipe.writing, format: .json, capacity: 2)
        for index in 0..<1000 { sink.log(record(index, padding: 3000)) }
        let dropped = sink.droppedCount
        let stalled = pipe.readOnce()
        await sink.close(within: .seconds(10))
        let text = stalled + pipe.readToEnd()
        #expect(sink.droppedCount == dropped)
        #expect(text.contains("\"level\":\"warning\""))
        #expect(text.contains("\"dropped\":"))
    }

    @Test("a closed reader costs lines and nothing else")
    func brokenPipe() async {
        signal(SIGPIPE, SIG_IGN)
        let pipe = Pipe()
        close(pipe.reading)
        let sink = StreamLogSink(descriptor: pipe.writing, format: .json)
        sink.log(record(1))
        await sink.close(within: .seconds(10))
        #expect(sink.droppedCount == 1)
        close(pipe.writing)
    }

    @Test("a file gets JSON, and closing twice is harmless")
    func automaticFormat() async {
        let pipe = Pipe()
        let sink = StreamLogSink(descriptor: pipe.writing)
        sink.log(record(1))
        await sink.close(within: .seconds(10))
        await sink.close(within: .seconds(10))
        #expect(pipe.readToEnd().hasPrefix("{\"timestamp\""))
    }
}
