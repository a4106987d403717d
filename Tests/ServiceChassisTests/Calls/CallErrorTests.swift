import HTTPCodec
import ServiceChassis
import Testing

@Suite("What is told of calls that failed")
struct CallErrorTests {
    @Test(
        "a client of ours gets the problem, and when to come back wherever that is a 503",
        arguments: [
            (.unavailable(operation: "do", detail: "d"), 503, "dependency-unavailable", "1"),
            (
                .unavailable(operation: "do", detail: "d", retryAfter: .milliseconds(4200)), 503,
                "dependency-unavailable", "5"
            ),
            (.refused(operation: "do", detail: "d", retryAfter: nil), 503, "dependency-unavailable", "1"),
            (.refused(operation: "do", detail: "d", retryAfter: .zero), 503, "dependency-unavailable", "1"),
            (.refused(operation: "do", detail: "d", retryAfter: .seconds(9)), 503, "dependency-unavailable", "9"),
            (.refused(operation: "do", detail: "d", retryAfter: .seconds(9999)), 503, "dependency-unavailable", "60"),
            (.outcomeUnknown(operation: "do", detail: "d"), 503, "outcome-unknown", "1"),
            (.cancelled(operation: "do"), 503, "outcome-unknown", "1"),
            (.deadlineExceeded(operation: "do", mayHaveBeenSent: true), 504, "deadline-exceeded", nil),
            (.deadlineExceeded(operation: "do", mayHaveBeenSent: false), 504, "deadline-exceeded", nil),
        ] as [(CallError, Int, String, String?)])
    func answers(error: CallError, status: Int, slug: String, retryAfter: String?) async throws {
        var router = Router()
        router.get("/things", access: .everyone) { _ in throw error }
        let response = await RequestHandler.test(router).send(.get, "/things")
        #expect(response.status.code == status)
        #expect(response.slug == slug)
        #expect(response.fields["Retry-After"] == retryAfter)
    }

    @Test("what it was is told, where it went is not")
    func discretion() async throws {
        let error = CallError.unavailable(operation: "price-quote", detail: "connectFailed at http://10.1.2.3:8082")
        var router = Router()
        router.get("/things", access: .everyone) { _ in throw error }
        let text = await RequestHandler.test(router).send(.get, "/things").text
        #expect(text.contains("price-quote is not available."))
        #expect(!text.contains("10.1.2.3"))
    }
}
