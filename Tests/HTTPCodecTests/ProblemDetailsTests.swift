import HTTPCodec
import Testing

@Suite("Problem documents")
struct ProblemDetailsTests {
    private func text(_ problem: ProblemDetails) -> String {
        String(decoding: problem.document(), as: UTF8.self)
    }

    @Test("a slug has one status and no two types share a slug")
    func slugs() {
        #expect(Set(ProblemType.all.map(\.slug)).count == ProblemType.all.count)
        #expect(ProblemType.all.count == 24)
        #expect(ProblemType.all.map(\.status.code) == ProblemType.all.map(\.status.code).sorted())
    }

    @Test("the document names type, title, status, detail and every fault by its place")
    func document() {
        let problem = ProblemDetails(
            .validationFailed, detail: "2 fields need attention",
            errors: [
                .init(.pointer("#/lines/0/quantity"), "must be an integer from 1 to 1000"),
                .init(.parameter("limit"), "a \"number\""), .init(.header("Prefer"), "x"),
            ])
        #expect(
            text(problem) == """
                {"type":"urn:holdfast:problem:validation-failed","title":"The request is not valid","status":422,\
                "detail":"2 fields need attention","errors":[\
                {"pointer":"#/lines/0/quantity","detail":"must be an integer from 1 to 1000"},\
                {"parameter":"limit","detail":"a \\"number\\""},{"header":"Prefer","detail":"x"}]}
                """)
    }

    @Test("extension members stand beside the others")
    func extensions() {
        let problem = ProblemDetails(
            .cancellationRefused,
            extensions: [
                .init("reason", .string("already-confirmed")), .init("n", .integer(-1)), .init("b", .boolean(true)),
            ])
        #expect(text(problem).hasSuffix(#""status":409,"reason":"already-confirmed","n":-1,"b":true}"#))
    }

    @Test("at most 20 faults are listed")
    func faultLimit() {
        let fault = ProblemDetails.Fault(.pointer("#"), "no")
        let problem = ProblemDetails(.validationFailed, errors: Array(repeating: fault, count: 50))
        #expect(text(problem).split(separator: "\"pointer\"").count - 1 == 20)
    }

    @Test("every 503, a 429 and a key in flight say when to come back, others do not", arguments: ProblemType.all)
    func retryAfter(_ type: ProblemType) {
        let expected = [429, 503].contains(type.status.code) || type == .idempotencyKeyInFlight
        #expect(ProblemDetails(type).response().fields["Retry-After"] == (expected ? "1" : nil))
    }

    @Test("Retry-After is rounded up to whole seconds, one at least")
    func rounding() {
        func seconds(_ duration: Duration) -> String? {
            ProblemDetails(.overloaded, retryAfter: duration).response().fields["Retry-After"]
        }
        #expect(seconds(.milliseconds(2001)) == "3")
        #expect(seconds(.seconds(2)) == "2")
        #expect(seconds(.zero) == "1")
        #expect(seconds(.seconds(-5)) == "1")
    }

    @Test("the answer is problem+json with the type's status")
    func response() {
        let response = ProblemDetails(HTTPTargetError.parameter("limit", detail: "is not a number")).response()
        #expect(response.status == .badRequest)
        #expect(response.fields["Content-Type"] == "application/problem+json")
    }
}
