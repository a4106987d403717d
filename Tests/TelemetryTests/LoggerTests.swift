import Clocks
import Telemetry
import Testing

@Suite("Logger")
struct LoggerTests {
    private let sink = CollectingSink()
    private let time = StillTime()

    private func logger(_ level: LogLevel = .info) -> Logger {
        Logger(service: "order-service", level: level, sink: sink, time: time)
    }

    private func json(_ record: LogRecord) -> String {
        var bytes: [UInt8] = []
        record.appendJSON(to: &bytes)
        return bytes.text
    }

    @Test("a line is one JSON object with the fixed members first and the metadata in order")
    func jsonLine() throws {
        logger().info("order accepted", ["orderId": "o-1", "lines": 3, "took": .duration(.milliseconds(12))])
        #expect(
            json(try #require(sink.records.all.first))
                == #"{"timestamp":"2027-01-15T08:00:00.123Z","level":"info","service":"order-service","#
                + #""message":"order accepted","orderId":"o-1","lines":3,"took":0.012}"# + "\n")
    }

    @Test("below the logger's level neither the metadata is computed nor a record made")
    func levelFilter() {
        var computed = 0
        func metadata() -> LogMetadata {
            computed += 1
            return [:]
        }
        logger(.warning).info("not seen", metadata())
        logger(.warning).warning("seen", metadata())
        #expect(computed == 1)
        #expect(sink.records.all.map(\.level) == [.warning])
    }

    @Test("a line logged inside a span carries its trace")
    func traceOfTheTask() throws {
        let context = try #require(
            TraceContext(traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))
        TraceContext.$current.withValue(context) { logger().info("inside") }
        logger().info("outside")
        let lines = sink.records.all.map(json)
        #expect(
            lines[0].contains(
                #""message":"inside","traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331""#))
        #expect(!lines[1].contains("traceId"))
    }

    @Test("metadata of a child logger is in each of its lines, and the line's own wins")
    func childLogger() throws {
        let child = logger().with(["topic": "saga.replies", "partition": 1])
        child.info("batch", ["partition": 2, "size": 10])
        #expect(
            json(try #require(sink.records.all.first))
                .hasSuffix(#""message":"batch","topic":"saga.replies","partition":2,"size":10}"# + "\n"))
    }

    @Test("no key repeats a member of the line itself")
    func reservedKeys() throws {
        logger().info("text", ["message": "other", "level": "x", "traceId": "mine"])
        #expect(
            json(try #require(sink.records.all.first))
                .hasSuffix(#""message":"text","message_":"other","level_":"x","traceId":"mine"}"# + "\n"))
    }

    @Test(
        "every character that could end a string or a line is escaped",
        arguments: [
            ("quote \" backslash \\", #""quote \" backslash \\""#),
            ("a\nb\r\tc", #""a\nb\r\tc""#),
            ("\u{0}\u{1F}\u{7F}", #""\u0000\u001f\u007f""#),
            ("é 漢 🜚", #""é 漢 🜚""#),
            ("", #""""#),
        ])
    func escaping(text: String, expected: String) {
        logger().info("m", ["v": .text(text)])
        #expect(json(sink.records.all[0]).hasSuffix("\"v\":\(expected)}\n"))
    }

    @Test(
        "values keep their type",
        arguments: [
            (LogValue.integer(.min), "-9223372036854775808"), (.number(0.5), "0.5"), (.number(.nan), #""nan""#),
            (.number(-.infinity), #""-inf""#), (.boolean(true), "true"), (nil, "null"), (.optional(nil), "null"),
            (.list(["a", 1, nil]), #"["a",1,null]"#), (.count(7), "7"),
            (.timestamp(Timestamp(milliseconds: 0)), #""1970-01-01T00:00:00.000Z""#),
            (.uuid(UUID(high: 1, low: 2)), #""00000000-0000-0001-0000-000000000002""#),
        ] as [(LogValue, String)])
    func types(value: LogValue, expected: String) {
        logger().info("m", ["v": value])
        #expect(json(sink.records.all[0]).hasSuffix("\"v\":\(expected)}\n"))
    }

    @Test("a long text is cut between characters")
    func longText() {
        logger().info("m", ["v": .text("a" + String(repeating: "é", count: 10_000))])
        let line = json(sink.records.all[0])
        #expect(line.utf8.count < 8400)
        #expect(line.hasSuffix("éé…\"}\n"))
    }

    @Test("a secret shows nothing of itself in a line, in text, in a dump")
    func secrets() {
        let secret = Secret("hunter2")
        logger().info("m", ["password": .secret(secret), "again": .describing(secret)])
        var dumped = ""
        dump(secret, to: &dumped)
        dump(["k": secret], to: &dumped)
        for text in [json(sink.records.all[0]), "\(secret)", String(reflecting: secret), dumped] {
            #expect(!text.contains("hunter2"))
            #expect(text.contains("[redacted]") || text == dumped)
        }
        #expect(secret.reveal() == "hunter2")
    }

    @Test("the form for people is one line, and a value cannot break out of it")
    func textLine() {
        logger().warning("slow \u{2192} parked", ["step": "charge", "why": "two\nlines \u{1B}[2J", "ok": false])
        var bytes: [UInt8] = []
        sink.records.all[0].appendText(to: &bytes, colour: false)
        #expect(
            bytes.text == "08:00:00.123 warning order-service slow \u{2192} parked step=charge "
                + #"why="two\nlines \u001b[2J" ok=false"# + "\n")
    }

    @Test("levels are read by their names alone")
    func levelNames() {
        #expect(LogLevel.allCases.map(\.name).map(LogLevel.init) == LogLevel.allCases)
        #expect(LogLevel("INFO") == nil)
    }
}
