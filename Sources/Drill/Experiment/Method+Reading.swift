import Clocks

extension Method {
    /// `method:` is a list of faults, or a mapping with `random`.
    static func read(_ fields: FieldReader) -> Method {
        fields.require("method")
        guard let node = fields.node("method") else { return .planned([]) }
        if case .sequence = node.content {
            let templates = fields.mappings("method") ?? []
            if templates.isEmpty { fields.refuse("needs a fault: a drill without one proves nothing", at: "method") }
            return .planned(templates.compactMap { FaultTemplate.read($0, isDrawn: false) })
        }
        guard let outer = fields.mapping("method"), let random = outer.mapping("random") else {
            fields.refuse("must be a list of faults, or a mapping with random", at: "method")
            return .planned([])
        }
        let length = random.duration("for")
        random.require("templates")
        let templates = (random.mappings("templates") ?? []).compactMap { FaultTemplate.read($0, isDrawn: true) }
        let quiet = random.durations("quiet", or: .seconds(3)...(.seconds(8)))
        if random.has("templates"), templates.isEmpty, random.mistakes.all.isEmpty {
            random.refuse("needs a fault", at: "templates")
        }
        random.finish()
        outer.finish()
        return .random(RandomMethod(length: length, quiet: quiet, templates: templates))
    }

    /// The faults in order of time, drawn by `random` where the method says so; of those that are drawn no two are at once.
    package func schedule(_ random: some RandomSource) -> [ScheduledFault] {
        switch self {
        case .planned(let templates):
            return templates.sorted { $0.at < $1.at }.enumerated().map { index, template in
                ScheduledFault(
                    number: index + 1, template: template, at: template.at, length: template.length.lowerBound)
            }
        case .random(let method):
            let weights = method.templates.reduce(0) { $0 + $1.weight }
            guard weights > 0 else { return [] }
            var faults: [ScheduledFault] = []
            var at = Duration.zero
            while true {
                at += random.nextDuration(in: method.quiet)
                var draw = Int(random.next() % UInt64(weights))
                let template = method.templates.first { template in
                    draw -= template.weight
                    return draw < 0
                }
                guard let template else { return faults }
                let length = random.nextDuration(in: template.length)
                guard at + length <= method.length else { return faults }
                faults.append(ScheduledFault(number: faults.count + 1, template: template, at: at, length: length))
                at += length
            }
        }
    }
}

/// A fault with its place in the run.
package struct ScheduledFault: Sendable {
    /// Counted from 1.
    package var number: Int
    package var template: FaultTemplate
    /// From the end of the baseline on.
    package var at: Duration
    package var length: Duration

    package var kind: String { template.kind }
    package var end: Duration { at + length }
}

extension FaultTemplate {
    private static let own = ["at", "for", "weight"]

    static func read(_ fields: FieldReader, isDrawn: Bool) -> FaultTemplate? {
        let before = fields.mistakes.all.count
        let at = isDrawn ? .zero : fields.duration("at", or: .zero)
        let length =
            isDrawn ? fields.durations("for", or: .zero ... .zero) : fields.duration("for", or: .zero).asRange
        let weight = isDrawn ? fields.integer("weight", in: 1...1000, or: 1) : 1
        let fault = FaultRegistry.read(fields)
        guard let fault, fields.mistakes.all.count == before else { return nil }
        return FaultTemplate(
            kind: type(of: fault).kind, fault: fault, parameters: fields.json(without: own), at: at, length: length,
            weight: weight)
    }

    /// The fault that ``parameters`` describe, for who heals after a crash.
    static func fault(parameters: String) -> (any Fault)? {
        guard let node = try? YAMLParser.parse(Array(parameters.utf8)) else { return nil }
        return FaultRegistry.read(FieldReader(node, path: "", mistakes: Mistakes()))
    }
}

extension Duration {
    fileprivate var asRange: ClosedRange<Duration> { self...self }
}

extension RandomSource {
    fileprivate func nextDuration(in range: ClosedRange<Duration>) -> Duration {
        range.lowerBound + nextDuration(upTo: range.upperBound - range.lowerBound)
    }
}

extension FieldReader {
    /// `5s`, or `[2s, 6s]` for a value to be drawn.
    func durations(_ name: String, or value: ClosedRange<Duration>) -> ClosedRange<Duration> {
        read(name) { node -> Parsed<ClosedRange<Duration>> in
            let unfit = Unfit("must be a duration such as 5s, or [shortest, longest]")
            if let text = node.text { return Duration(written: text).map { .success($0...$0) } ?? .failure(unfit) }
            guard case .sequence(let nodes) = node.content, nodes.count == 2,
                let low = nodes[0].text.flatMap(Duration.init(written:)),
                let high = nodes[1].text.flatMap(Duration.init(written:)), low <= high
            else { return .failure(unfit) }
            return .success(low...high)
        } ?? value
    }
}
