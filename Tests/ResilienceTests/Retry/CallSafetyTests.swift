import Resilience
import Testing

struct CallSafetyTests {
    @Test(
        "of HTTP methods: asking is safe, replacing and deleting may be repeated, the rest needs a key",
        arguments: [
            ("GET", .safe, .safe), ("HEAD", .safe, .safe), ("OPTIONS", .safe, .safe), ("TRACE", .safe, .safe),
            ("PUT", .idempotent, .keyed), ("DELETE", .idempotent, .keyed), ("POST", .unsafe, .keyed),
            ("PATCH", .unsafe, .keyed), ("CONNECT", .unsafe, .keyed), ("LOCK", .unsafe, .keyed),
            ("get", .unsafe, .keyed), ("", .unsafe, .keyed),
        ] as [(String, CallSafety, CallSafety)])
    func methods(method: String, plain: CallSafety, keyed: CallSafety) {
        #expect(CallSafety(httpMethod: method) == plain)
        #expect(CallSafety(httpMethod: method, hasIdempotencyKey: true) == keyed)
    }

    @Test("an unsafe call is repeated only when it certainly had no effect; hedged are safe and keyed calls alone")
    func rules() {
        let rules = CallSafety.allCases.map {
            [$0.mayBeRepeated(mayHaveHadEffect: true), $0.mayBeRepeated(mayHaveHadEffect: false), $0.mayBeHedged]
        }
        #expect(CallSafety.allCases == [.safe, .idempotent, .keyed, .unsafe])
        #expect(rules == [[true, true, true], [true, true, false], [true, true, true], [false, true, false]])
    }
}
