/// The keys and values of a log line, in order; a key set again replaces the earlier value.
///
/// Keys are literals, so no data can invent a field or hide one.
package struct LogMetadata: Sendable, ExpressibleByDictionaryLiteral {
    package struct Entry: Sendable {
        package var key: StaticString
        package var value: LogValue
    }

    package private(set) var entries: [Entry] = []

    package init() {}

    package init(dictionaryLiteral elements: (StaticString, LogValue)...) {
        entries.reserveCapacity(elements.count)
        for (key, value) in elements { self[key] = value }
    }

    package subscript(key: StaticString) -> LogValue? {
        get { entries.first { $0.key.hasSameBytes(as: key) }?.value }
        set {
            let position = entries.firstIndex { $0.key.hasSameBytes(as: key) }
            switch (position, newValue) {
            case (let position?, let value?): entries[position].value = value
            case (let position?, nil): entries.remove(at: position)
            case (nil, let value?): entries.append(Entry(key: key, value: value))
            case (nil, nil): break
            }
        }
    }

    /// These entries with those of `other`, which win.
    package func merging(_ other: LogMetadata) -> LogMetadata {
        guard !entries.isEmpty else { return other }
        var result = self
        for entry in other.entries { result[entry.key] = entry.value }
        return result
    }
}

extension StaticString {
    func hasSameBytes(as other: StaticString) -> Bool {
        withUTF8Buffer { left in
            other.withUTF8Buffer { right in left.elementsEqual(right) }
        }
    }
}
