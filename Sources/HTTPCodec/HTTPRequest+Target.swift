extension HTTPRequest {
    /// The target up to the question mark, as sent.
    package var rawPath: Substring {
        guard let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) else { return target[...] }
        return target[..<mark]
    }

    /// The target behind the question mark, as sent; nil without one.
    package var rawQuery: Substring? {
        guard let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) else { return nil }
        return target[target.utf8.index(after: mark)...]
    }

    /// The path's segments, each decoded by itself: an encoded slash stays inside its segment, and `.` and `..` are
    /// ordinary names, so no spelling of a path leads to another resource than the one it names.
    ///
    /// `/v1/orders` gives `["v1", "orders"]`, `/` gives `[""]`, and a slash at the end gives an empty last segment.
    /// - Throws: when an escape is broken, stands for NUL, or the decoded bytes are not UTF-8.
    package func pathSegments() throws(HTTPTargetError) -> [String] {
        var segments: [String] = []
        for segment in rawPath.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            switch PercentDecoding.decode(segment, plusIsBlank: false) {
            case .success(let text): segments.append(text)
            case .failure(let reason): throw .path(detail: reason.detail)
            }
        }
        return segments
    }

    /// The query's parameters, decoded strictly.
    ///
    /// - Throws: when an escape is broken, stands for NUL, decodes to something that is not UTF-8, or a name is empty; the
    ///   error names the parameter.
    package func queryParameters() throws(HTTPTargetError) -> HTTPQuery {
        var query = HTTPQuery()
        guard let rawQuery else { return query }
        for piece in rawQuery.utf8.split(separator: UInt8(ascii: "&")) {
            let equals = piece.firstIndex(of: UInt8(ascii: "="))
            let rawName = piece[..<(equals ?? piece.endIndex)]
            let rawValue = equals.map { piece[piece.index(after: $0)...] } ?? piece[piece.endIndex...]
            guard case .success(let name) = PercentDecoding.decode(rawName, plusIsBlank: true) else {
                throw .parameter(String(Substring(rawName)), detail: "the name is not valid percent-encoded UTF-8")
            }
            guard !name.isEmpty else { throw .parameter("", detail: "a parameter has no name") }
            switch PercentDecoding.decode(rawValue, plusIsBlank: true) {
            case .success(let value): query.append(name, value)
            case .failure(let reason): throw .parameter(name, detail: reason.detail)
            }
        }
        return query
    }
}

/// Why a path or a query parameter could not be read.
package enum HTTPTargetError: Error, Hashable, Sendable {
    /// The path holds a broken escape, NUL or bytes that are not UTF-8.
    case path(detail: String)
    /// The named query parameter cannot be read, is unknown or is given twice.
    case parameter(String, detail: String)
}

enum PercentDecoding {
    enum Failure: Error {
        case escape, nul, encoding

        var detail: String {
            switch self {
            case .escape: "a percent sign is not followed by two hexadecimal digits"
            case .nul: "holds a NUL character"
            case .encoding: "is not valid UTF-8"
            }
        }
    }

    static func decode(_ text: Substring.UTF8View, plusIsBlank: Bool) -> Result<String, Failure> {
        let needsWork = text.contains { $0 == UInt8(ascii: "%") || (plusIsBlank && $0 == UInt8(ascii: "+")) }
        guard needsWork else { return .success(String(Substring(text))) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var iterator = text.makeIterator()
        while let byte = iterator.next() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = iterator.next()?.hexadecimalValue, let low = iterator.next()?.hexadecimalValue
                else { return .failure(.escape) }
                guard high | low != 0 else { return .failure(.nul) }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsBlank:
                bytes.append(UInt8(ascii: " "))
            default:
                bytes.append(byte)
            }
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else { return .failure(.encoding) }
        return .success(decoded)
    }
}
