extension JSONValue {
    /// The elements in order; empty unless the value is an array.
    public var elements: Elements { Elements(storage: storage, index: index) }

    /// The members in order; empty unless the value is an object.
    public var members: Members { Members(storage: storage, index: index) }

    /// The elements of an array, visited in order.
    public struct Elements: Sequence, IteratorProtocol, Sendable {
        private let storage: JSONStorage
        private var node: Int
        private var remaining: Int

        init(storage: JSONStorage, index: Int) {
            self.storage = storage
            node = index + 1
            remaining = storage.nodes[index].kind == .array ? Int(storage.nodes[index].count) : 0
        }

        /// The number of elements not yet visited.
        public var underestimatedCount: Int { remaining }

        /// The next element.
        public mutating func next() -> JSONValue? {
            guard remaining > 0 else { return nil }
            defer { node = Int(storage.nodes[node].end) }
            remaining -= 1
            return JSONValue(storage: storage, index: node)
        }
    }

    /// The members of an object, visited in order.
    public struct Members: Sequence, IteratorProtocol, Sendable {
        private let storage: JSONStorage
        private var node: Int
        private var remaining: Int

        init(storage: JSONStorage, index: Int) {
            self.storage = storage
            node = index + 1
            remaining = storage.nodes[index].kind == .object ? Int(storage.nodes[index].count) : 0
        }

        /// The number of members not yet visited.
        public var underestimatedCount: Int { remaining }

        /// The next member.
        public mutating func next() -> Member? {
            guard remaining > 0 else { return nil }
            defer { node = Int(storage.nodes[node + 1].end) }
            remaining -= 1
            return Member(storage: storage, index: node)
        }
    }

    /// A member of an object.
    public struct Member: Sendable {
        private let storage: JSONStorage
        private let index: Int

        init(storage: JSONStorage, index: Int) {
            self.storage = storage
            self.index = index
        }

        /// The name, escapes resolved.
        public var name: String { storage.string(at: index) }

        /// The value.
        public var value: JSONValue { JSONValue(storage: storage, index: index + 1) }
    }
}
