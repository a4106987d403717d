import CLibcurl
import Clocks
import HTTPCodec

extension CurlTransfer {
    /// Sets every option of the handle; it was reset before.
    func configure(for request: HTTPClientRequest, configuration: HTTPClientConfiguration) {
        let easy = UnsafeMutableRawPointer(easy)
        let this = Unmanaged.passUnretained(self).toOpaque()
        curl_set_pointer(easy, CURLOPT_PRIVATE, this)
        curl_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText)
        curl_set_text(easy, CURLOPT_URL, request.url)

        curl_set_prereq(easy, prerequestCallback)
        curl_set_pointer(easy, CURLOPT_PREREQDATA, this)
        curl_set_write(easy, CURLOPT_HEADERFUNCTION, headCallback)
        curl_set_pointer(easy, CURLOPT_HEADERDATA, this)
        curl_set_write(easy, CURLOPT_WRITEFUNCTION, bodyCallback)
        curl_set_pointer(easy, CURLOPT_WRITEDATA, this)

        // Signals belong to the process, proxies and redirects to nobody: what is asked is asked there and only there.
        curl_set_long(easy, CURLOPT_NOSIGNAL, 1)
        curl_set_text(easy, CURLOPT_PROXY, "")
        curl_set_text(easy, CURLOPT_PROTOCOLS_STR, "http,https")
        curl_set_long(easy, CURLOPT_FOLLOWLOCATION, 0)
        curl_set_long(easy, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        // A transfer that is given up while its name is being resolved must not wait for the resolver's thread.
        curl_set_long(easy, CURLOPT_QUICK_EXIT, 1)

        curl_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, max(1, Int(configuration.connectTimeout.wholeMilliseconds)))
        // The loop ends calls at their deadlines; libcurl's own default would end long ones at 0, which is never.
        curl_set_long(easy, CURLOPT_TIMEOUT_MS, 0)
        curl_set_long(easy, CURLOPT_TCP_KEEPALIVE, 1)
        curl_set_long(easy, CURLOPT_MAXAGE_CONN, max(1, Int(configuration.idleLimit.components.seconds)))
        curl_set_long(easy, CURLOPT_MAXLIFETIME_CONN, Int(configuration.lifetimeLimit.components.seconds))
        if let file = configuration.certificateAuthorities { curl_set_text(easy, CURLOPT_CAINFO, file) }

        setMethod(request)
        setFields(request.fields)
    }

    private func setMethod(_ request: HTTPClientRequest) {
        let easy = UnsafeMutableRawPointer(easy)
        if let body = request.body {
            curl_set_long(easy, CURLOPT_POST, 1)
            curl_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count))
            // Copied, because the bytes of an array have no fixed address outside a closure.
            body.withUnsafeBytes {
                let start = $0.baseAddress ?? UnsafeRawPointer(errorText)
                _ = curl_set_pointer(easy, CURLOPT_COPYPOSTFIELDS, UnsafeMutableRawPointer(mutating: start))
            }
            if request.method != .post { curl_set_text(easy, CURLOPT_CUSTOMREQUEST, request.method.name) }
            return
        }
        switch request.method {
        case .get: curl_set_long(easy, CURLOPT_HTTPGET, 1)
        case .head: curl_set_long(easy, CURLOPT_NOBODY, 1)
        default:
            curl_set_long(easy, CURLOPT_HTTPGET, 1)
            curl_set_text(easy, CURLOPT_CUSTOMREQUEST, request.method.name)
        }
    }

    /// Libcurl's own additions are switched off by empty fields of their names.
    private func setFields(_ fields: HTTPFields) {
        var list: UnsafeMutablePointer<curl_slist>?
        for own in ["Expect:", "Accept:"] { list = curl_slist_append(list, own) ?? list }
        if !fields.contains("Content-Type") { list = curl_slist_append(list, "Content-Type:") ?? list }
        for (name, value) in fields where !Self.isOwn(name) {
            // `Name;` is libcurl's way to send a field without a value.
            list = curl_slist_append(list, value.isEmpty ? "\(name);" : "\(name): \(value)") ?? list
        }
        setHeaderList(list)
        curl_set_pointer(UnsafeMutableRawPointer(easy), CURLOPT_HTTPHEADER, list)
    }

    private static func isOwn(_ name: String) -> Bool {
        switch name.lowercased() {
        case "host", "content-length", "connection", "transfer-encoding", "expect", "te", "upgrade": true
        default: false
        }
    }
}

// At file scope, so that they belong to no actor: libcurl calls them on the loop's thread.

private let prerequestCallback: curl_prereq_callback = { context, _, _, _, _ in
    guard let context else { return CURL_PREREQFUNC_ABORT }
    let transfer = Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
    return transfer.mayBeSent() ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
}

private let headCallback: curl_write_callback = { bytes, size, count, context in
    receive(bytes, size * count, context) { $0.takeHeadLine($1) }
}

private let bodyCallback: curl_write_callback = { bytes, size, count, context in
    receive(bytes, size * count, context) { $0.takeBody($1) }
}

/// Returns what the callbacks return: the count when the bytes were taken, something else to stop the transfer.
private func receive(
    _ bytes: UnsafeMutablePointer<CChar>?, _ count: Int, _ context: UnsafeMutableRawPointer?,
    _ take: (CurlTransfer, UnsafeBufferPointer<UInt8>) -> Bool
) -> Int {
    guard count > 0, let bytes, let context else { return 0 }
    let transfer = Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
    let buffer = UnsafeRawBufferPointer(start: bytes, count: count)
    return buffer.withMemoryRebound(to: UInt8.self) { take(transfer, $0) } ? count : count &+ 1
}
