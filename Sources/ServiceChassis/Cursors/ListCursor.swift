import HTTPCodec

/// Issues and reads the cursors of one list under one filter.
///
/// A cursor is opaque and URL-safe. It carries its position and a checksum over position, list and filter, so that a
/// cursor that was mistyped, invented, or issued for another list or filter is refused instead of paging through
/// something else. It is the same on every replica and holds no secret.
package struct ListCursor: Sendable {
    private static let checksumLength = 12

    private let binding: [UInt8]

    /// - Parameters:
    ///   - list: the list's route.
    ///   - filter: the values of the list's filters in a fixed order, nil for one that is not given.
    package init(list: String, filter: [String?] = []) {
        var binding: [UInt8] = []
        for part in [list] + filter {
            // Lengths keep neighbours apart: ("ab", "c") is not ("a", "bc"), and an absent filter is not an empty one.
            binding.append(contentsOf: "\(part?.utf8.count ?? -1):\(part ?? "")".utf8)
        }
        self.binding = binding
    }

    /// The cursor of the page behind `position`.
    package func issue(_ position: CursorPosition) -> String {
        let bytes = position.bytes
        return Base64URL.encode(bytes + checksum(of: bytes))
    }

    /// The position a cursor stands for.
    ///
    /// - Throws: ``ProblemDetails`` naming the parameter `cursor` unless this list issued it under this filter.
    package func read(_ text: String) throws(ProblemDetails) -> CursorPosition {
        guard let bytes = Base64URL.decode(text), bytes.count > Self.checksumLength else { throw Self.refusal }
        let content = bytes.dropLast(Self.checksumLength)
        guard Array(bytes.suffix(Self.checksumLength)) == checksum(of: Array(content)),
            let position = CursorPosition(content)
        else { throw Self.refusal }
        return position
    }

    private func checksum(of bytes: [UInt8]) -> [UInt8] {
        Array(Digest.sha256(bytes + binding).prefix(Self.checksumLength))
    }

    private static var refusal: ProblemDetails {
        .invalidParameter("cursor", "was not issued for this list with these filters")
    }
}
