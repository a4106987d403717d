/// What is said about a family of metrics once: its name, its meaning, its labels.
package struct MetricDescription: Sendable, Equatable {
    package let name: String
    package let help: String
    package let type: MetricType
    /// The labels whose values each instance has.
    package let labels: [String]
    let constantNames: [String]
    let constantValues: [String]

    init(
        name: String, help: String, type: MetricType, labels: [String], constants: KeyValuePairs<String, String>
    ) {
        self.name = name
        self.help = help
        self.type = type
        self.labels = labels
        constantNames = constants.map(\.key)
        constantValues = constants.map(\.value)
        let allNames = constantNames + labels
        precondition(Self.isName(name, colonAllowed: true), "\(name) is no metric name")
        precondition(
            allNames.allSatisfy { Self.isName($0, colonAllowed: false) && !$0.hasPrefix("__") && $0 != "le" },
            "\(name) has a label that Prometheus refuses")
        precondition(Set(allNames).count == allNames.count, "\(name) has a label twice")
    }

    /// The labels of an instance, constants first, as they stand in the text form.
    func text(_ values: [String]) -> String {
        precondition(values.count == labels.count, "\(name) has the labels \(labels), not \(values.count) of them")
        return MetricsText.labels(constantNames + labels, constantValues + values)
    }

    private static func isName(_ text: String, colonAllowed: Bool) -> Bool {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard let first = text.utf8.first, !digits.contains(first) else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            case UInt8(ascii: ":"): colonAllowed
            default: false
            }
        }
    }
}
