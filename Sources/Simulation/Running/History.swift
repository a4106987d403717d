/// What happened in a world and left something behind, in order.
package struct History: Sendable {
    /// One durable effect, or one fault.
    package struct Line: Sendable {
        package var at: Int64
        package var who: String
        package var what: String
    }

    let isRecording: Bool
    package private(set) var lines: [Line] = []

    init(isRecording: Bool) {
        self.isRecording = isRecording
    }

    mutating func add(_ at: Instant, _ who: String, _ what: String) {
        lines.append(Line(at: at, who: who, what: what))
    }
}
