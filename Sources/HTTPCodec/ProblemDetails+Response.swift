import Clocks

extension ProblemDetails {
    /// The answer that carries this problem as `application/problem+json`.
    package func response() -> HTTPResponse {
        var response = HTTPResponse(status: type.status, contentType: "application/problem+json", bytes: document())
        if let retryAfter {
            let milliseconds = max(0, retryAfter.wholeMilliseconds)
            response.fields.append("Retry-After", String(max(1, (milliseconds + 999) / 1000)))
        }
        return response
    }
}
