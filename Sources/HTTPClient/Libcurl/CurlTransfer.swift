import CLibcurl
import HTTPCodec

/// One easy handle and what its callbacks collect; reused for call after call.
///
/// Belongs to the loop's thread alone. The handle keeps a pointer to this object, so the object must be kept while the
/// handle is added to a multi handle; ``CurlLoop`` does by its table of running transfers.
final class CurlTransfer {
    /// What stops the answer from being taken in.
    enum Overflow {
        case head, body
    }

    let easy: OpaquePointer
    /// Filled by libcurl with a sentence about what failed.
    let errorText: UnsafeMutablePointer<CChar>
    private(set) var call: CurlCall?
    private var headerList: UnsafeMutablePointer<curl_slist>?

    private(set) var fields = HTTPFields()
    private(set) var body: [UInt8] = []
    private(set) var isHeadComplete = false
    private(set) var overflow: Overflow?
    /// How often a connection was about to carry the request; zero means that nothing was sent.
    private(set) var sendCount = 0
    private var headBytes = 0
    private var limits = HTTPClientConfiguration()

    init() {
        guard let easy = curl_easy_init() else { preconditionFailure("libcurl cannot make a handle") }
        self.easy = OpaquePointer(easy)
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit {
        curl_easy_cleanup(UnsafeMutableRawPointer(easy))
        curl_slist_free_all(headerList)
        errorText.deallocate()
    }

    var phase: HTTPClientError.Phase {
        sendCount == 0 ? .connecting : isHeadComplete ? .reading : .waiting
    }

    /// Whether each `Content-Length` of the answer is made of digits alone.
    var hasSoundLength: Bool {
        fields.values("Content-Length").allSatisfy { value in
            !value.isEmpty && value.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        }
    }

    /// Makes the handle ready for the call.
    func begin(_ call: CurlCall, configuration: HTTPClientConfiguration) {
        self.call = call
        limits = configuration
        configure(for: call.request, configuration: configuration)
    }

    /// Forgets the call and gives up what it held; the handle is ready for another.
    func end() -> CurlCall? {
        defer { call = nil }
        curl_easy_reset(UnsafeMutableRawPointer(easy))
        curl_slist_free_all(headerList)
        headerList = nil
        errorText[0] = 0
        fields = HTTPFields()
        body = []
        isHeadComplete = false
        overflow = nil
        sendCount = 0
        headBytes = 0
        return call
    }

    func takeResponse(status: Int) -> HTTPClientResponse {
        HTTPClientResponse(status: HTTPStatus(status), fields: fields, body: body)
    }

    func setHeaderList(_ list: UnsafeMutablePointer<curl_slist>?) {
        curl_slist_free_all(headerList)
        headerList = list
    }
}

/// What libcurl's callbacks call, on the loop's thread.
extension CurlTransfer {
    /// Called when a connection is there and the first byte is about to leave.
    ///
    /// libcurl sends a request again by itself when a reused connection turns out dead. That is refused for everything
    /// but a safe method: the server may have acted on the first copy.
    func mayBeSent() -> Bool {
        sendCount += 1
        guard sendCount > 1 else { return true }
        return call?.request.method == .get || call?.request.method == .head
    }

    /// Takes one line of the head, its end included; false stops the transfer.
    func takeHeadLine(_ line: UnsafeBufferPointer<UInt8>) -> Bool {
        // What comes after the body are trailers: nothing here reads them.
        if !body.isEmpty { return true }
        headBytes += line.count
        guard headBytes <= limits.headLimit else {
            overflow = .head
            return false
        }
        if line.starts(with: "HTTP/".utf8) {
            // The head of an interim answer (1xx) may have come before.
            fields = HTTPFields(reservingFields: 16, bytes: 512)
            isHeadComplete = false
        } else if let colon = line.firstIndex(of: UInt8(ascii: ":")) {
            guard !isHeadComplete else { return true }
            fields.append(
                UnsafeBufferPointer(rebasing: line[..<colon]), UnsafeBufferPointer(rebasing: line[(colon + 1)...]))
        } else if line.allSatisfy({ $0 == 0x0D || $0 == 0x0A }) {
            isHeadComplete = true
        }
        return true
    }

    /// Takes a piece of the body; false stops the transfer.
    func takeBody(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard body.count + bytes.count <= limits.bodyLimit else {
            overflow = .body
            return false
        }
        if body.isEmpty, let length = fields["Content-Length"].flatMap({ Int($0) }) {
            body.reserveCapacity(min(length, limits.bodyLimit))
        }
        body.append(contentsOf: bytes)
        return true
    }
}
