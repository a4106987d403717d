import Clocks

/// The place in a list behind which the next page begins: the sort key of the last element shown.
package enum CursorPosition: Sendable, Hashable {
    /// A list sorted by time, with the id as tie-breaker.
    case moment(Timestamp, UUID)
    /// A list sorted by a text, such as an SKU.
    case text(String)

    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        switch self {
        case .moment(let time, let id):
            bytes.append(1)
            Self.append(UInt64(bitPattern: time.microseconds), to: &bytes)
            Self.append(id.high, to: &bytes)
            Self.append(id.low, to: &bytes)
        case .text(let text):
            bytes.append(2)
            bytes.append(contentsOf: text.utf8)
        }
        return bytes
    }

    init?(_ bytes: ArraySlice<UInt8>) {
        let content = bytes.dropFirst()
        switch bytes.first {
        case 1 where content.count == 24:
            let words = stride(from: content.startIndex, to: content.endIndex, by: 8).map { start in
                content[start..<start + 8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            }
            self = .moment(
                Timestamp(microseconds: Int64(bitPattern: words[0])), UUID(high: words[1], low: words[2]))
        case 2:
            guard let text = String(validating: content, as: UTF8.self) else { return nil }
            self = .text(text)
        default:
            return nil
        }
    }

    private static func append(_ word: UInt64, to bytes: inout [UInt8]) {
        for shift in stride(from: UInt64(56), through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: word >> shift))
        }
    }
}
