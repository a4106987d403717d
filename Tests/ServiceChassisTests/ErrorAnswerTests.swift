import HTTPCodec
import Postgres
import Testing

@testable import ServiceChassis

@Suite("Answers to database errors")
struct ErrorAnswerTests {
    static func server(_ state: String) -> PostgresError {
        .server(.init(sqlState: state, message: "m"))
    }

    @Test(
        "what certainly had no effect is dependency-unavailable, what may have had one outcome-unknown",
        arguments: [
            (.connectionLost(detail: "", commitUnknown: false), .dependencyUnavailable),
            (.connectionLost(detail: "", commitUnknown: true), .outcomeUnknown),
            (.cannotConnect(detail: ""), .dependencyUnavailable),
            (.poolExhausted(waited: .seconds(3)), .dependencyUnavailable), (.closed, .dependencyUnavailable),
            (.deadlineExceeded(commitUnknown: false), .deadlineExceeded),
            (.deadlineExceeded(commitUnknown: true), .deadlineExceeded),
            (.cancelled(commitUnknown: true), .outcomeUnknown), (.cancelled(commitUnknown: false), .outcomeUnknown),
            (server("40001"), .dependencyUnavailable), (server("40P01"), .dependencyUnavailable),
            (server("55P03"), .dependencyUnavailable), (server("57P01"), .dependencyUnavailable),
            (server("53300"), .dependencyUnavailable), (server("57014"), .dependencyUnavailable),
        ] as [(PostgresError, ProblemType)])
    func faultsOfTheDatabase(error: PostgresError, type: ProblemType) {
        let (problem, isOurFault) = ErrorAnswer.problem(for: error)
        #expect(problem.type == type)
        #expect(!isOurFault)
        let needsRetryAfter = problem.type.status == .serviceUnavailable
        #expect((problem.response().fields["Retry-After"] != nil) == needsRetryAfter)
    }

    @Test(
        "a statement that is wrong is a fault of ours and tells nothing",
        arguments: [server("42601"), server("23505"), server("22001"), .decoding(column: "secret", expected: "x")])
    func faultsOfOurs(error: PostgresError) {
        let (problem, isOurFault) = ErrorAnswer.problem(for: error)
        #expect(problem == ProblemDetails(.internalError))
        #expect(isOurFault)
    }

    @Test("an error that knows its problem is asked for it")
    func convertible() {
        struct Known: ProblemConvertible {
            var problem: ProblemDetails { ProblemDetails(.overloaded) }
        }
        #expect(ErrorAnswer.problem(for: Known()).problem.type == .overloaded)
    }
}
