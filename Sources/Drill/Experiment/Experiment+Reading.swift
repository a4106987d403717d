import Invariants
import LocalStack

/// A file that is no experiment: all that is wrong with it.
package struct ExperimentError: Error, Sendable, CustomStringConvertible {
    package var path: String
    package var mistakes: [Mistake]

    package var description: String { mistakes.map { "\(path): \($0)" }.joined(separator: "\n") }
}

extension Experiment {
    /// Reads the file at the path.
    package static func load(_ path: String) throws(ExperimentError) -> Experiment {
        guard let bytes = Files.read(path) else {
            throw ExperimentError(path: path, mistakes: [Mistake(line: 0, path: "", "the file cannot be read")])
        }
        let file = path.split(separator: "/").last.map(String.init) ?? path
        let name = file.hasSuffix(".yaml") ? String(file.dropLast(5)) : file
        let mistakes = Mistakes()
        let root: YAMLNode
        do throws(Mistake) { root = try YAMLParser.parse(bytes) } catch {
            throw ExperimentError(path: path, mistakes: [error])
        }
        let experiment = Experiment(root, name: name, mistakes: mistakes)
        guard mistakes.all.isEmpty else { throw ExperimentError(path: path, mistakes: mistakes.sorted) }
        return experiment
    }

    /// Reads what it can; with mistakes the result is not to be used.
    package init(_ root: YAMLNode, name: String, mistakes: Mistakes) {
        let fields = FieldReader(root, path: "", mistakes: mistakes)
        self.name = name
        title = fields.text("title")
        hypothesis = fields.text("hypothesis")
        tags = fields.texts("tags")
        stack = fields.mapping("stack").map(StackNeeds.init) ?? StackNeeds()
        load = fields.mapping("load").map(LoadSettings.init) ?? LoadSettings()
        fields.require("steadyState")
        steadyState = fields.mappings("steadyState")?.compactMap(Probe.read) ?? []
        if fields.has("steadyState"), fields.mappings("steadyState")?.isEmpty == true {
            fields.refuse("needs a probe: without one nobody knows what was normal", at: "steadyState")
        }
        method = Method.read(fields)
        rollbacks = fields.mappings("rollbacks")?.compactMap(Rollback.read) ?? []
        abort = fields.mapping("abort").map(AbortRules.init) ?? AbortRules()
        recovery = fields.mapping("recovery").map(RecoveryLimits.init) ?? RecoveryLimits()
        allow = fields.mapping("allow").map(Allowances.init) ?? Allowances()
        invariants = Self.invariants(fields)
        fields.finish()
    }

    private static func invariants(_ fields: FieldReader) -> [Invariant] {
        guard let node = fields.node("invariants") else { return Invariant.all }
        let names = node.text.map { [$0] } ?? fields.texts("invariants")
        var ids: Set<String> = []
        for name in names {
            if let found = Invariant.named(name) {
                ids.formUnion(found.map(\.id))
            } else {
                fields.refuse(
                    "\"\(name)\" is no invariant; write all, I1 to I12, or a promise's name", at: "invariants")
            }
        }
        return Invariant.all.filter { ids.contains($0.id) }
    }
}

extension Experiment.StackNeeds {
    init(_ fields: FieldReader) {
        self.init()
        if let counts = fields.mapping("replicas") {
            for service in TargetSelector.services {
                let count = counts.integer(service, in: 1...StackOptions.replicaLimit, or: 1)
                if count > 1 { replicas[service] = count }
            }
            counts.finish()
        }
        if fields.has("providers") {
            let kind: StackOptions.Providers = fields.choice("providers")
            providers = kind.rawValue
        } else {
            _ = fields.node("providers")
        }
        needsProxy = fields.flag("proxy", or: false)
        if let settings = fields.mapping("environment") {
            for name in settings.names { environment[name] = settings.text(name) }
        }
        fields.finish()
    }
}

extension Experiment.AbortRules {
    init(_ fields: FieldReader) {
        self.init()
        errorShare = fields.number("errors", in: 0...1, or: errorShare)
        errorTime = fields.duration("for", or: errorTime)
        freeDisk = fields.number("freeDisk", in: 0...1, or: freeDisk)
        fields.finish()
    }
}

extension Experiment.RecoveryLimits {
    init(_ fields: FieldReader) {
        self.init()
        service = fields.duration("service", or: service)
        final = fields.duration("final", or: final)
        fields.finish()
    }
}

extension Experiment.Allowances {
    init(_ fields: FieldReader) {
        self.init()
        deadLetters = fields.integer("deadLetters", in: 0...1_000_000, or: deadLetters)
        errors = fields.number("errors", in: 0...1, or: errors)
        slower = fields.number("slower", in: 1...100, or: slower)
        slowerFloor = fields.duration("slowerFloor", or: slowerFloor)
        fields.finish()
    }
}

extension Rollback {
    private enum Verb: String, CaseIterable {
        case get = "GET"
        case put = "PUT"
        case post = "POST"
        case delete = "DELETE"
    }

    private enum Port: String, CaseIterable { case api, admin }

    static func read(_ fields: FieldReader) -> Rollback? {
        let before = fields.mistakes.all.count
        let verb: Verb = fields.choice("method", or: .post)
        let port: Port = fields.choice("port", or: .admin)
        let rollback = Rollback(
            name: fields.text("name"), target: fields.target(), method: verb.rawValue, path: fields.text("path"),
            body: fields.optionalText("body"), isAdmin: port == .admin)
        fields.finish()
        return fields.mistakes.all.count == before ? rollback : nil
    }
}
