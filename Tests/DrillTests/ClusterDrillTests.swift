import Clocks
import Glibc
import TestSupport
import Testing

@testable import Drill
@testable import LocalStack

/// Drills on a cluster that a program in the place of kubectl plays.
@Suite("A drill in a cluster", .timeLimit(.minutes(2)))
struct ClusterDrillTests {
    private static let root = String(
        #filePath.prefix(#filePath.count - "Tests/DrillTests/ClusterDrillTests.swift".count))
    private static let experiments = root + "chaos-experiments/local"

    /// Runs a drill against answers of kubectl.
    ///
    /// - Parameter answers: The branches of a shell's `case` over kubectl's arguments.
    /// - Returns: the exit code, the journal, and what kubectl was told.
    private func run(_ name: String, _ answers: String) async throws -> (code: Int32, journal: String, calls: [String])
    {
        let folder = try await TestFolder.make("cluster")
        let program = folder + "/kubectl"
        let script = """
            #!/bin/bash
            echo "$*" >> \(folder)/calls
            case "$*" in
            \(answers)
            esac

            """
        try Files.replace(program, with: Array(script.utf8))
        #expect(chmod(program, 0o755) == 0)
        let options = try DrillOptions(
            arguments: ["run", name, "--target", "kubernetes", "--experiments", Self.experiments, "--out", folder],
            environment: ["KUBECTL": program])
        let code = await DrillCommand(options, terminal: Terminal(environment: ["NO_COLOR": "1"])).run()
        let runs = Files.list(folder).filter { $0.hasPrefix(name) }
        let journal = runs.first.flatMap { Files.text("\(folder)/\($0)/journal.json") } ?? ""
        let calls = (Files.text(folder + "/calls") ?? "").split(separator: "\n").map(String.init)
        return (code, journal, calls)
    }

    @Test("applies Litmus' experiment with its account, takes its verdict, and takes it away")
    func litmus() async throws {
        let (code, journal, calls) = try await run(
            "order-service-killed",
            "*experimentStatus.verdict*) printf Pass ;; *probeStatuses*) echo 'ready: Passed' ;;")
        #expect(code == 0)
        #expect(journal.contains(#""verdict":"held""#) && journal.contains("ready: Passed"))
        let applied = try #require(calls.firstIndex { $0.hasPrefix("apply") })
        #expect(calls[applied].contains("litmus/account.yaml") && calls[applied].contains("order-service-killed.yaml"))
        #expect(calls[..<applied].contains { $0.contains("delete chaosresult order-service-killed-pod-delete") })
        #expect(calls[applied...].contains { $0.hasPrefix("delete -f") })
    }

    @Test(
        "a verdict of Fail is a broken promise, one of Stopped says nothing", arguments: [("Fail", 1), ("Stopped", 2)])
    func verdicts(verdict: String, code: Int32) async throws {
        let run = try await run("order-service-killed", "*experimentStatus.verdict*) printf \(verdict) ;;")
        #expect(run.code == code)
        #expect(run.journal.contains("verdict: \(verdict)"))
        #expect(run.calls.last?.contains("delete") == true)
    }

    @Test("takes Chaos Mesh's where Litmus has none, and waits until it was made")
    func chaosMesh() async throws {
        let (code, journal, calls) = try await run(
            "broker-killed",
            "*.spec.action*) printf pod-kill ;; *status.conditions*) printf 'Selected=True AllInjected=True ' ;;")
        #expect(code == 0)
        #expect(journal.contains("made and healed"))
        #expect(calls.contains { $0.contains("get podchaos.chaos-mesh.org broker-killed") })
    }

    @Test("what could not be applied is no pass, and is taken away all the same")
    func refused() async throws {
        let (code, journal, calls) = try await run("broker-killed", "apply*) echo 'forbidden' >&2; exit 1 ;;")
        #expect(code == 2)
        #expect(journal.contains("forbidden"))
        #expect(calls.last?.hasPrefix("delete -f") == true)
    }

    @Test("an experiment for one machine is refused by name")
    func local() async throws {
        let (code, journal, calls) = try await run("crash-points", "")
        #expect(code == 2 && calls.isEmpty)
        #expect(journal.contains("for one machine"))
    }
}
