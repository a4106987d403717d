/// Reads the first line of a request: method, one blank, target, one blank, version.
enum RequestLine {
    private static let longestMethod = 24

    static func parse(_ line: UnsafeBufferPointer<UInt8>) throws(HTTPRefusal) -> RequestHead {
        let blank = UInt8(ascii: " ")
        guard let first = line.firstIndex(of: blank), let last = line.lastIndex(of: blank), first < last
        else { throw .malformed }
        let method = line[..<first]
        let target = line[(first + 1)..<last]
        let version = line[(last + 1)...]
        guard !method.isEmpty, method.allSatisfy(\.isTokenCharacter) else { throw .malformed }
        guard !target.isEmpty, target.allSatisfy(\.isTargetCharacter) else { throw .malformed }
        let parsedVersion = try parse(version: version)
        guard method.count <= longestMethod else { throw .notImplemented }
        let parsedMethod = parse(method: method)
        guard parsedMethod != .connect else { throw .notImplemented }
        return RequestHead(
            method: parsedMethod, target: try originForm(target, method: parsedMethod), version: parsedVersion)
    }

    private static func parse(method: Slice<UnsafeBufferPointer<UInt8>>) -> HTTPMethod {
        if method.elementsEqual("GET".utf8) { return .get }
        return HTTPMethod(String(decoding: method, as: UTF8.self))
    }

    private static func parse(version: Slice<UnsafeBufferPointer<UInt8>>) throws(HTTPRefusal) -> HTTPVersion {
        let first = version.startIndex
        guard version.count == 8, version.starts(with: "HTTP/".utf8), version[first + 5].isDigit,
            version[first + 6] == UInt8(ascii: "."), version[first + 7].isDigit
        else { throw .malformed }
        guard version[first + 5] == UInt8(ascii: "1") else { throw .versionNotSupported }
        switch version[first + 7] {
        case UInt8(ascii: "0"): return .http10
        case UInt8(ascii: "1"): return .http11
        default: throw .versionNotSupported
        }
    }

    /// Brings the target into origin form: as it is, or without scheme and authority when it was absolute.
    private static func originForm(
        _ target: Slice<UnsafeBufferPointer<UInt8>>, method: HTTPMethod
    ) throws(HTTPRefusal) -> String {
        let slash = UInt8(ascii: "/")
        if target.first == slash { return String(decoding: target, as: UTF8.self) }
        if target.elementsEqual("*".utf8), method == .options { return "*" }
        let lowered = target.prefix(8).lazy.map(\.asciiLowercased)
        let schemeLength = lowered.starts(with: "http://".utf8) ? 7 : lowered.starts(with: "https://".utf8) ? 8 : 0
        guard schemeLength > 0 else { throw .malformed }
        let rest = target.dropFirst(schemeLength)
        let authorityEnd = rest.firstIndex { $0 == slash || $0 == UInt8(ascii: "?") } ?? rest.endIndex
        guard HostField.isValid(UnsafeBufferPointer(rebasing: rest[..<authorityEnd])) else { throw .malformed }
        let path = String(decoding: rest[authorityEnd...], as: UTF8.self)
        return path.utf8.first == slash ? path : "/" + path
    }
}
