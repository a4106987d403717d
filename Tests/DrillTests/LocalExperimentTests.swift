import LocalStack
import Testing

@testable import Drill

@Suite("The experiments for one machine")
struct LocalExperimentTests {
    private static let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    private static let folder = root + "/chaos-experiments/local"
    static let names = Files.list(folder).filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }

    @Test("each is one, says what holds, and can be run by its name", arguments: names)
    func loads(name: String) throws {
        let experiment = try Experiment.load("\(Self.folder)/\(name).yaml")
        #expect(experiment.hypothesis.hasSuffix("."))
        #expect(experiment.steadyState.count >= 2, "a drill without a steady state proves little")
        let usesLinks = experiment.method.templates.contains {
            $0.parameters.contains("\"link\"") || ["down", "empty-broker", "crash-at", "step-clock"].contains($0.kind)
        }
        #expect(!usesLinks || experiment.stack.needsProxy, "its faults need proxy: true")
        let asksProvider = experiment.method.templates.contains { $0.kind == "provider" }
        #expect(!asksProvider || experiment.stack.providers == "http", "its faults need providers: http")
    }

    @Test("on a busy machine what takes time may take longer, and what has to be right is the same", arguments: names)
    func relaxed(name: String) throws {
        let strict = try Experiment.load("\(Self.folder)/\(name).yaml")
        let loose = strict.relaxed(3)
        #expect(
            loose.recovery.service == strict.recovery.service * 3 && loose.recovery.final == strict.recovery.final * 3)
        #expect(
            loose.allow.slowerFloor == strict.allow.slowerFloor * 3 && loose.allow.slower == strict.allow.slower * 3)
        #expect(loose.allow.errors == min(strict.allow.errors * 3, 1))
        #expect(
            loose.allow.deadLetters == strict.allow.deadLetters
                && loose.invariants.map(\.id) == strict.invariants.map(\.id))
        for (before, after) in zip(strict.steadyState, loose.steadyState) {
            switch (before.measure, before.tolerance) {
            case (.latency, .range(let low, let high)): #expect(after.tolerance == .range(low, high * 3))
            case (.errors, .range(let low, let high)): #expect(after.tolerance == .range(low, min(high * 3, 1)))
            default: #expect(after.tolerance == before.tolerance)
            }
        }
        #expect(try DrillOptions(arguments: ["run", "x", "--slack", "3"], environment: [:]).slack == 3)
        #expect(throws: DrillError.self) {
            try DrillOptions(arguments: ["run", "x", "--slack", "11"], environment: [:])
        }
    }

    @Test("the page on chaos experiments has all of them, and the same name means the same on Kubernetes")
    func documented() throws {
        let page = try #require(Files.text(Self.root + "/chaos-experiments/README.md"))
        for name in Self.names {
            #expect(page.contains("| `\(name)` |"), "chaos-experiments/README.md has no row for \(name)")
            #expect(page.contains("](local/\(name).yaml)"), "chaos-experiments/README.md does not link \(name).yaml")
            for other in ["chaos-mesh", "litmus"]
            where Files.exists("\(Self.root)/chaos-experiments/\(other)/\(name).yaml") {
                #expect(page.contains("](\(other)/\(name).yaml)"), "the row of \(name) does not link that of \(other)")
            }
        }
    }

    @Test("each kind of fault is made by one of them")
    func complete() throws {
        var used: Set<String> = []
        for name in Self.names {
            used.formUnion(try Experiment.load("\(Self.folder)/\(name).yaml").method.templates.map(\.kind))
        }
        for kind in FaultRegistry.all.map({ $0.kind }) {
            #expect(used.contains(kind), "no experiment makes the fault \(kind)")
        }
    }
}
