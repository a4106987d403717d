/// The part of a document that a program writes: what is between two marks.
enum MarkedSection {
    /// - Returns: the document with the new part, or nil when it has not both marks in their order.
    static func replace(_ name: String, in document: String, with lines: [String]) -> String? {
        let (begin, end) = ("<!-- \(name):begin -->", "<!-- \(name):end -->")
        let all = document.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard let first = all.firstIndex(of: begin), let last = all.firstIndex(of: end), first < last else {
            return nil
        }
        return (all[...first] + lines + all[last...]).joined(separator: "\n")
    }
}
