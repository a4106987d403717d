import HTTPCodec
import JSON
import Postgres

/// An error that knows what the caller is to be told.
package protocol ProblemConvertible: Error {
    var problem: ProblemDetails { get }
}

/// Turns what a handler throws into what the caller is told: the one place where that happens.
enum ErrorAnswer {
    /// The problem, and whether the error is a fault of ours that somebody must look at.
    static func problem(for error: any Error) -> (problem: ProblemDetails, isOurFault: Bool) {
        switch error {
        case let problem as ProblemDetails:
            return (problem, false)
        case let error as any ProblemConvertible:
            return (error.problem, false)
        case let error as HTTPTargetError:
            return (ProblemDetails(error), false)
        case let error as JSONError:
            return (ProblemDetails(error), false)
        case let error as PostgresError:
            return problem(for: error)
        case is CancellationError:
            // The client went away, or the drain time is over; how far the work got nobody can say.
            return (ProblemDetails(.outcomeUnknown, detail: "The request was abandoned."), false)
        default:
            return (ProblemDetails(.internalError), true)
        }
    }

    /// A database that does not answer is no fault of the request: nothing happened, or nobody can say.
    private static func problem(for error: PostgresError) -> (problem: ProblemDetails, isOurFault: Bool) {
        switch error {
        case .deadlineExceeded:
            return (ProblemDetails(.deadlineExceeded, detail: "The database did not answer in time."), false)
        case _ where error.isCommitUnknown:
            let detail = "The connection to the database was lost while the work was being committed."
            return (ProblemDetails(.outcomeUnknown, detail: detail), false)
        case .cancelled:
            return (ProblemDetails(.outcomeUnknown, detail: "The request was abandoned."), false)
        case .connectionLost, .cannotConnect, .poolExhausted, .closed, .circuitOpen:
            let detail = "The database is not available."
            return (ProblemDetails(.dependencyUnavailable, detail: detail, retryAfter: error.retryAfter), false)
        case .server where error.isRetriable:
            return (ProblemDetails(.dependencyUnavailable, detail: "The database could not do the work now."), false)
        case .server, .decoding:
            return (ProblemDetails(.internalError), true)
        }
    }
}
