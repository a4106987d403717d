import LocalStack

/// Writes what a drill came to into its folder.
enum ReportWriter {
    /// - Returns: what could not be written, one sentence each.
    static func write(_ result: DrillResult) -> [String] {
        let files: [(name: String, content: [UInt8])] = [
            ("journal.json", JournalDocument(result).bytes),
            ("junit.xml", Array(JUnitDocument(result).text.utf8)),
            ("report.html", Array(HTMLReport(result).text.utf8)),
        ]
        return files.compactMap { file in
            do throws(FileError) {
                try Files.replace("\(result.folder)/\(file.name)", with: file.content)
                return nil
            } catch {
                return error.description
            }
        }
    }
}
