import CLibcurl

extension CurlTransfer {
    /// Explains libcurl's result.
    func failure(_ result: CURLcode) -> HTTPClientError {
        let detail = errorText[0] == 0 ? String(cString: curl_easy_strerror(result)) : String(cString: errorText)
        return failure(code(of: result), detail: detail)
    }

    /// The failure of the running call: whether anything was sent is read from what really happened, not from the code.
    func failure(_ code: HTTPClientError.Code, detail: String) -> HTTPClientError {
        HTTPClientError(
            code, sent: sendCount == 0 ? .certainlyNotSent : .unknown, phase: phase,
            authority: call?.authority ?? "", detail: detail)
    }

    private func code(of result: CURLcode) -> HTTPClientError.Code {
        switch result {
        case CURLE_URL_MALFORMAT: .invalidRequest
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .nameNotResolved
        case CURLE_COULDNT_CONNECT: .connectFailed
        case CURLE_OPERATION_TIMEDOUT: sendCount == 0 ? .connectTimedOut : .deadlineExceeded
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CIPHER:
            .tlsFailed
        // An abort is ours: a second sending was refused after the first one's connection had died.
        case CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_ABORTED_BY_CALLBACK:
            .connectionLost
        case CURLE_WRITE_ERROR: overflow == .head ? .headTooLarge : overflow == .body ? .bodyTooLarge : .transport
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING: .malformedResponse
        default: .transport
        }
    }
}
