/// Rows of text under a head, columns aligned.
package struct TextTable: Sendable {
    private var rows: [[String]]
    private let indent: String

    package init(head: [String], indent: String = "") {
        rows = [head]
        self.indent = indent
    }

    package mutating func append(_ row: [String]) {
        rows.append(row)
    }

    /// The lines, two blanks between columns and none at the end of a line.
    package var lines: [String] {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            var line = indent
            for (column, cell) in row.enumerated() {
                line += cell
                guard row[(column + 1)...].contains(where: { !$0.isEmpty }) else { break }
                line += String(repeating: " ", count: widths[column] - cell.count + 2)
            }
            return line
        }
    }
}
