import Clocks
import HTTPCodec
import JSON

/// Which part of a list is asked for.
package struct PageRequest: Sendable {
    package static let limits = 1...100
    package static let standardLimit = 20
    /// The query parameters every list has.
    package static let parameters = ["limit", "cursor"]

    package let limit: Int
    /// The place behind which the page begins; nil for the first page.
    package let after: CursorPosition?
    private let cursor: ListCursor

    package init(limit: Int = standardLimit, after: CursorPosition? = nil, cursor: ListCursor) {
        self.limit = limit
        self.after = after
        self.cursor = cursor
    }

    /// How many rows to fetch: one more than the page has, to know whether another follows.
    package var fetchLimit: Int { limit + 1 }

    /// The sort key of the last element shown, in a list sorted by time and id.
    package var afterMoment: (time: Timestamp, id: UUID)? {
        guard case .moment(let time, let id) = after else { return nil }
        return (time, id)
    }

    /// The sort key of the last element shown, in a list sorted by a text.
    package var afterText: String? {
        guard case .text(let text) = after else { return nil }
        return text
    }

    /// The page made of rows that were fetched with ``fetchLimit``.
    package func page<Element>(_ rows: [Element], position: (Element) -> CursorPosition) -> Page<Element> {
        let items = Array(rows.prefix(limit))
        guard rows.count > limit, let last = items.last else { return Page(items: items, nextCursor: nil) }
        return Page(items: items, nextCursor: cursor.issue(position(last)))
    }
}

/// One part of a list, and the cursor of the part behind it.
package struct Page<Element> {
    package var items: [Element]
    /// Nil when this is the last page.
    package var nextCursor: String?

    package init(items: [Element], nextCursor: String?) {
        self.items = items
        self.nextCursor = nextCursor
    }

    /// The answer `{"items":[…],"nextCursor":…}`.
    package func response(_ write: (inout JSONWriter, Element) -> Void) -> HTTPResponse {
        var json = JSONWriter(capacity: 256 * (items.count + 1))
        json.object {
            $0.array("items", items, write)
            $0.member("nextCursor", nextCursor)
        }
        return .json(json.bytes)
    }
}

extension Page: Sendable where Element: Sendable {}

extension RequestContext {
    /// The page asked for by `limit` and `cursor`.
    ///
    /// `filter` has the values of the list's other parameters in a fixed order; a cursor is good for these alone.
    /// `standardLimit` is the limit of a request that gives none.
    /// - Throws: 400 `invalid-parameter` for a limit outside 1…100 and a cursor that this list did not issue.
    package func page(
        filter: [String?] = [], standardLimit: Int? = nil
    ) throws(ProblemDetails) -> PageRequest {
        let cursor = ListCursor(list: route.text, filter: filter)
        let limit = try pageLimit() ?? standardLimit ?? PageRequest.standardLimit
        guard let text = try queryText("cursor") else { return PageRequest(limit: limit, cursor: cursor) }
        return PageRequest(limit: limit, after: try cursor.read(text), cursor: cursor)
    }

    private func pageLimit() throws(ProblemDetails) -> Int? {
        guard let text = try queryText("limit") else { return nil }
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let limit = Int(text),
            PageRequest.limits.contains(limit)
        else { throw .invalidParameter("limit", "must be an integer from 1 to \(PageRequest.limits.upperBound)") }
        return limit
    }
}
