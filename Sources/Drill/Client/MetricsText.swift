/// Reads the text form of metrics.
struct MetricsText: Sendable {
    struct Sample: Sendable, Equatable {
        var name: String
        var labels: [String: String]
        var value: Double
    }

    let samples: [Sample]
    /// The metrics that are declared, those without a series so far among them.
    let families: Set<String>

    /// Lines that are none are left out: what is asked for and missing shows as missing.
    init(_ text: String) {
        let lines = text.split(separator: "\n")
        samples = lines.compactMap { $0.hasPrefix("#") ? nil : Self.sample(Array($0.utf8)) }
        families = Set(
            lines.compactMap { line in
                let words = line.split(separator: " ")
                return words.count > 3 && words[0] == "#" && words[1] == "TYPE" ? String(words[2]) : nil
            })
    }

    /// The samples of a metric that carry these labels.
    func find(_ name: String, _ labels: [String: String] = [:]) -> [Sample] {
        samples.filter { sample in sample.name == name && labels.allSatisfy { sample.labels[$0.key] == $0.value } }
    }

    func sum(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        let found = find(name, labels)
        return found.isEmpty ? nil : found.reduce(0) { $0 + $1.value }
    }

    private static func sample(_ line: [UInt8]) -> Sample? {
        var index = line.firstIndex { $0 == UInt8(ascii: "{") || $0 == UInt8(ascii: " ") } ?? line.endIndex
        guard index < line.endIndex, index > 0 else { return nil }
        let name = String(decoding: line[..<index], as: UTF8.self)
        var labels: [String: String] = [:]
        if line[index] == UInt8(ascii: "{") {
            index += 1
            while index < line.endIndex, line[index] != UInt8(ascii: "}") {
                guard let equals = line[index...].firstIndex(of: UInt8(ascii: "=")), equals + 1 < line.endIndex else {
                    return nil
                }
                let label = String(decoding: line[index..<equals], as: UTF8.self)
                var value: [UInt8] = []
                index = equals + 2
                while index < line.endIndex, line[index] != UInt8(ascii: "\"") {
                    if line[index] == UInt8(ascii: "\\"), index + 1 < line.endIndex {
                        index += 1
                        value.append(line[index] == UInt8(ascii: "n") ? UInt8(ascii: "\n") : line[index])
                    } else {
                        value.append(line[index])
                    }
                    index += 1
                }
                labels[label] = String(decoding: value, as: UTF8.self)
                index += 1
                if index < line.endIndex, line[index] == UInt8(ascii: ",") { index += 1 }
            }
            index += 1
        }
        guard index <= line.endIndex else { return nil }
        let fields = line[min(index, line.endIndex)...].split(separator: UInt8(ascii: " "))
        guard let first = fields.first else { return nil }
        let text = String(decoding: first, as: UTF8.self)
        let value = text == "+Inf" ? Double.infinity : text == "-Inf" ? -Double.infinity : Double(text)
        return value.map { Sample(name: name, labels: labels, value: $0) }
    }
}
