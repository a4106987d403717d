import JSON

/// The journal as text: one line for each change of the ledger, in the order in which they happened.
enum JournalText {
    /// The records of one change, which are brought back all or none.
    static func line(_ records: [LedgerRecord]) -> [UInt8] {
        var json = JSONWriter(capacity: 512 * records.count)
        json.value(records)
        return json.bytes + [UInt8(ascii: "\n")]
    }

    /// Applies what a file holds, piece by piece, so that a large one need not be in memory as a whole.
    ///
    /// A last line that is torn was never answered for: whoever waited for it got no answer. It is left out, and
    /// ``goodBytes`` says where it begins. A line in the middle that cannot be read is damage, and an error.
    struct Replay {
        private(set) var ledger: Ledger
        /// The length of the journal up to the end of the last line that was applied.
        private(set) var goodBytes = 0
        private(set) var lines = 0
        private var rest: [UInt8] = []
        private var fault: JournalError?
        private var faultyLength = 0

        init(into ledger: Ledger) {
            self.ledger = ledger
        }

        /// Takes the next piece of the file.
        mutating func read(_ piece: some Sequence<UInt8>) throws(JournalError) {
            rest.append(contentsOf: piece)
            var start = 0
            while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
                try apply(Array(rest[start..<end]), length: end + 1 - start)
                start = end + 1
            }
            rest.removeSubrange(..<start)
        }

        /// The ledger, and how many bytes at the end of the file are a torn line.
        ///
        /// - Throws: ``JournalError/damaged(line:detail:)`` when something follows a line that cannot be read.
        func finish() throws(JournalError) -> (ledger: Ledger, tornBytes: Int) {
            if let fault, !rest.isEmpty { throw fault }
            return (ledger, rest.count + faultyLength)
        }

        private mutating func apply(_ line: [UInt8], length: Int) throws(JournalError) {
            // What could not be read was not the last line.
            if let fault { throw fault }
            do throws(JSONError) {
                let root = try JSONDocument(parsing: line).root
                guard root.kind == .array else { throw .invalid([JSONProblem(at: .root, "must be an array")]) }
                var records: [LedgerRecord] = []
                for element in root.elements {
                    records.append(try element.decode { LedgerRecord(&$0) })
                }
                for record in records { ledger.apply(record) }
                goodBytes += length
                lines += 1
            } catch {
                fault = .damaged(line: lines + 1, detail: error.description)
                faultyLength = length
            }
        }
    }
}
