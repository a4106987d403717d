import HTTPCodec
import Testing

@testable import ServiceChassis

@Suite("Idempotency-Key")
struct IdempotencyKeyTests {
    @Test(
        "a key is 1 to 255 visible ASCII characters, one pair of quotes stripped",
        arguments: [
            ("k", "k"), ("\"k\"", "k"), ("\"\"k\"\"", "\"k\""), ("\"", "\""), ("\"a", "\"a"), ("!~", "!~"),
            (String(repeating: "x", count: 255), String(repeating: "x", count: 255)),
            ("\"\(String(repeating: "x", count: 255))\"", String(repeating: "x", count: 255)), ("  k ", "k"),
        ])
    func valid(value: String, key: String) throws {
        #expect(try IdempotencyKey(["Idempotency-Key": value] as HTTPFields).text == key)
    }

    @Test("an absent or empty key is missing", arguments: [[], [""], ["\"\""], ["   "]])
    func missing(values: [String]) {
        Self.expect(values, .idempotencyKeyMissing)
    }

    @Test(
        "a key that is longer, has other bytes or is sent twice is invalid",
        arguments: [
            [String(repeating: "x", count: 256)], ["a b"], ["ä"], ["a\tb"], ["a\u{7F}"], ["k", "k"], ["k", ""],
        ])
    func invalid(values: [String]) {
        Self.expect(values, .idempotencyKeyInvalid)
    }

    static func expect(_ values: [String], _ type: ProblemType) {
        var fields = HTTPFields()
        for value in values { fields.append("idempotency-key", value) }
        let problem = #expect(throws: ProblemDetails.self) { try IdempotencyKey(fields) }
        #expect(problem?.type == type)
        #expect(problem?.errors.first?.place == .header("Idempotency-Key"))
    }
}

@Suite("Prefer")
struct WaitPreferenceTests {
    @Test(
        "wait is found among other preferences, clamped to 30",
        arguments: [
            (["wait=0"], 0), (["wait=10"], 10), (["wait=30"], 30), (["wait=31"], 30),
            (["wait=99999999999999999999"], 30), (["Wait = 5"], 5), (["wait=\"7\""], 7),
            (["respond-async, wait=10"], 10), (["wait=10; foo=bar"], 10), (["respond-async", "wait=3"], 3),
            (["wait=4, wait=9"], 4), (["wait=soon, wait=9"], 9), (["note=\"a, wait=1\", wait=2"], 2),
            (["note=\"a\\\", wait=1\", wait=2"], 2), ([",, wait=6 ,"], 6),
        ])
    func found(values: [String], seconds: Int) {
        let preference = WaitPreference(Self.fields(values))
        #expect(preference?.seconds == seconds)
        #expect(preference?.applied == "wait=\(seconds)")
    }

    @Test(
        "what cannot be read is ignored",
        arguments: [
            [], [""], ["wait"], ["wait="], ["wait=-1"], ["wait=1.5"], ["wait=1s"], ["wait=+1"], ["waiting=5"],
            ["wait 5"], ["respond-async"], ["\"wait=5"], ["note=\"wait=5\""], ["wait=\"5"], ["x; wait=5"],
        ])
    func ignored(values: [String]) {
        #expect(WaitPreference(Self.fields(values)) == nil)
    }

    static func fields(_ values: [String]) -> HTTPFields {
        var fields = HTTPFields()
        for value in values { fields.append("Prefer", value) }
        return fields
    }
}

@Suite("Request-Timeout")
struct RequestTimeoutTests {
    @Test("decimal seconds are read", arguments: [("2", 2000), ("0.25", 250), ("0", 0), ("00.5", 500)])
    func valid(value: String, milliseconds: Int64) throws {
        let duration = try RequestTimeout.read(["Request-Timeout": value] as HTTPFields)
        #expect(duration == .milliseconds(milliseconds))
    }

    @Test("an absent header asks for nothing")
    func absent() throws {
        #expect(try RequestTimeout.read([:]) == nil)
    }

    @Test(
        "anything else is refused and the header named",
        arguments: ["", "-1", "1s", "1e3", "inf", "nan", "0x10", "1,5", ".5", "1.", "1 2", "+1"])
    func invalid(value: String) {
        let problem = #expect(throws: ProblemDetails.self) {
            try RequestTimeout.read(["Request-Timeout": value] as HTTPFields)
        }
        #expect(problem?.type == .invalidParameter)
        #expect(problem?.errors.map(\.place) == [.header("Request-Timeout")])
    }

    @Test("a header sent twice is refused")
    func twice() {
        var fields: HTTPFields = ["Request-Timeout": "1"]
        fields.append("Request-Timeout", "1")
        #expect(throws: ProblemDetails.self) { try RequestTimeout.read(fields) }
    }
}

@Suite("Content-Type")
struct MediaTypeTests {
    @Test(
        "JSON in UTF-8 is accepted",
        arguments: [
            "application/json", "Application/JSON", "application/json; charset=utf-8",
            "application/json;charset=\"UTF-8\"", "application/json;", "application/json; profile=x",
        ])
    func json(value: String) {
        #expect(MediaType.check(["Content-Type": value]) == .json)
    }

    @Test(
        "anything else is not",
        arguments: [
            "", "text/plain", "application/json; charset=latin1", "application/jsonx", "application/problem+json",
            "application/json, application/json", "application/json; charset", "application/x-www-form-urlencoded",
        ])
    func unsupported(value: String) {
        #expect(MediaType.check(["Content-Type": value]) == .unsupported)
    }

    @Test("no header and two headers are told apart from JSON")
    func count() {
        #expect(MediaType.check([:]) == .absent)
        var fields: HTTPFields = ["Content-Type": "application/json"]
        fields.append("Content-Type", "application/json")
        #expect(MediaType.check(fields) == .unsupported)
    }
}
