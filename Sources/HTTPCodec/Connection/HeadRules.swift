/// The rules that concern a head as a whole: host, length, coding, expectation, persistence.
enum HeadRules {
    static func apply(to head: inout RequestHead, limits: HTTPLimits) throws(HTTPRefusal) {
        var hosts = 0
        var lengths = 0
        var codings = 0
        var expectations = 0
        var contentLength: Int?
        var hostIsValid = true
        var coding = TransferCoding.chunked
        var closes = false
        var keepsAlive = false
        var expectation = Expectation.other
        head.fields.forEach { name, value in
            // Only these lengths matter; most fields are passed over by one comparison.
            switch name.count {
            case 4 where name.equalsIgnoringCase("host"):
                hosts += 1
                hostIsValid = HostField.isValid(value)
            case 6 where name.equalsIgnoringCase("expect"):
                expectations += 1
                expectation = value.equalsIgnoringCase("100-continue") ? .continue : .other
            case 10 where name.equalsIgnoringCase("connection"):
                closes = closes || value.listContains("close")
                keepsAlive = keepsAlive || value.listContains("keep-alive")
            case 14 where name.equalsIgnoringCase("content-length"):
                lengths += 1
                contentLength = decimal(value)
            case 17 where name.equalsIgnoringCase("transfer-encoding"):
                codings += 1
                coding = TransferCoding(value)
            default: break
            }
        }
        guard hosts == 1 || hosts == 0 && head.version == .http10, hostIsValid else { throw .malformed }
        head.keepAlive = head.version == .http11 ? !closes : keepsAlive && !closes
        try frame(&head, lengths: lengths, contentLength: contentLength, codings: codings, coding: coding)
        if expectations > 0, head.version == .http11 {
            guard expectations == 1, expectation == .continue else { throw .expectationFailed }
            head.expectsContinue = true
        }
        if case .fixed(let length) = head.framing, length > limits.bodyBytes { throw .bodyTooLarge }
    }

    private enum Expectation {
        case `continue`, other
    }

    private enum TransferCoding {
        case chunked
        /// Ends with chunked, with another coding before it.
        case layered
        case invalid

        init(_ value: UnsafeBufferPointer<UInt8>) {
            if value.equalsIgnoringCase("chunked") {
                self = .chunked
                return
            }
            let members = value.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
                .map { UnsafeBufferPointer(rebasing: $0).trimmingBlanks }
            let isList = members.allSatisfy { !$0.isEmpty && $0.allSatisfy(\.isTokenCharacter) }
            let chunkedMembers = members.count { $0.equalsIgnoringCase("chunked") }
            let endsChunked = members.last?.equalsIgnoringCase("chunked") == true
            self = isList && endsChunked && chunkedMembers == 1 ? .layered : .invalid
        }
    }

    private static func frame(
        _ head: inout RequestHead, lengths: Int, contentLength: Int?, codings: Int, coding: TransferCoding
    ) throws(HTTPRefusal) {
        if codings > 0 {
            // Length beside coding, two codings, or a coding in 1.0: where two readers could disagree, nobody reads.
            guard codings == 1, lengths == 0, head.version == .http11 else { throw .malformed }
            switch coding {
            case .chunked: head.framing = .chunked
            case .layered: throw .notImplemented
            case .invalid: throw .malformed
            }
        } else if lengths > 0 {
            guard lengths == 1, let contentLength else { throw .malformed }
            head.framing = contentLength == 0 ? .none : .fixed(contentLength)
        }
    }

    /// A number of digits only; one that no `Int` holds saturates, which is over every limit.
    private static func decimal(_ digits: UnsafeBufferPointer<UInt8>) -> Int? {
        guard !digits.isEmpty else { return nil }
        var value = 0
        for digit in digits {
            guard digit.isDigit else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int(digit - UInt8(ascii: "0")))
            value = overflow || carry || value == .max ? .max : sum
        }
        return value
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// Compares with ASCII text in lower case.
    func equalsIgnoringCase(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        for index in 0..<count where self[index].asciiLowercased != text.utf8Start[index] { return false }
        return true
    }

    var trimmingBlanks: UnsafeBufferPointer<UInt8> {
        var first = 0
        var last = count
        while first < last, self[first] == 0x20 || self[first] == 0x09 { first += 1 }
        while last > first, self[last - 1] == 0x20 || self[last - 1] == 0x09 { last -= 1 }
        return UnsafeBufferPointer(rebasing: self[first..<last])
    }

    /// Whether a comma-separated list has that member, given in lower case.
    func listContains(_ member: StaticString) -> Bool {
        if equalsIgnoringCase(member) { return true }
        return split(separator: UInt8(ascii: ",")).contains {
            UnsafeBufferPointer(rebasing: $0).trimmingBlanks.equalsIgnoringCase(member)
        }
    }
}
