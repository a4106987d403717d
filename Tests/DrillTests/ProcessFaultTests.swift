import Clocks
import Glibc
import HTTPClient
import JSON
import TestSupport
import Testing

@testable import Drill
@testable import LocalStack

/// Faults on a real process, which plays a stack's only service.
@Suite("Faults on processes", .timeLimit(.minutes(1)))
struct ProcessFaultTests {
    /// The context of one fault, and the process it acts on.
    private struct Scene {
        let context: DrillContext
        let child: ChildProcess

        init(drills: Bool = false) async throws {
            let folder = try await TestFolder.make("faults")
            child = try await ChildProcess.start(Launch("/bin/sleep", ["60"]))
            var file = StackFile(
                supervisor: getpid(),
                processes: [.init(name: "order-service", replica: 1, pid: child.pid, api: 1, admin: 2)],
                postgresPort: 3, brokerPort: 4)
            if drills {
                try Files.makeDirectory(folder + "/control")
                file.drills = .init(
                    proxy: 1, proxyURL: "http://127.0.0.1:1", control: folder + "/control",
                    postgresData: folder + "/postgres", brokerData: nil,
                    links: [PlannedLink(from: "order-service", to: "postgres", port: 5, target: 3)])
            }
            var json = JSONWriter()
            json.value(file)
            try Files.replace(folder + "/stack.json", with: json.bytes)
            let targets = [DrillTarget(name: "order-service", replica: 1)]
            let memory = FaultMemory(
                .init(
                    tag: "test", kind: "", parameters: "{}", targets: targets, runner: "",
                    endsAt: Timestamp(milliseconds: 0)), folder: folder)
            context = DrillContext(
                tag: "test", targets: targets, stackFolder: folder, folder: folder, random: SeededRandom(seed: 1),
                time: SystemTime(), client: HTTPClient(time: SystemTime()), memory: memory, journal: { _ in })
        }

        func end() async {
            child.send(.kill)
            _ = try? await child.exit()
            await context.client.shutdown()
        }
    }

    private func fault(_ text: String) throws -> any Fault {
        let mistakes = Mistakes()
        let fault = FaultRegistry.read(
            FieldReader(try YAMLParser.parse(Array(text.utf8)), path: "", mistakes: mistakes))
        return try #require(fault, "\(mistakes.all)")
    }

    private func limit(of child: ChildProcess) -> String? {
        let line = Files.text("/proc/\(child.pid)/limits")?.split(separator: "\n").first {
            $0.hasPrefix("Max open files")
        }
        return line?.split(separator: " ").dropFirst(3).first.map(String.init)
    }

    @Test("descriptors are taken away and given back")
    func descriptors() async throws {
        let scene = try await Scene()
        let before = limit(of: scene.child)
        let fault = try fault("{fault: exhaust-descriptors, target: order-service/1, limit: 17}")
        _ = try await fault.inject(in: scene.context)
        #expect(limit(of: scene.child) == "17")
        _ = try await fault.heal(in: scene.context)
        #expect(limit(of: scene.child) == before)
        await scene.end()
    }

    @Test("a starved process is stopped again and again, and runs after healing")
    func starved() async throws {
        let scene = try await Scene()
        let fault = try fault("{fault: starve, target: order-service/1, share: 0.2}")
        let process = try scene.context.process(of: DrillTarget(name: "order-service", replica: 1))
        _ = try await fault.inject(in: scene.context)
        for state in [true, false, true] {
            let isSeen = await Deadlines.wait(upTo: .seconds(20), every: .milliseconds(2), time: SystemTime()) {
                process.isStopped == state
            }
            #expect(isSeen)
        }
        _ = try await fault.heal(in: scene.context)
        _ = try await fault.heal(in: scene.context)
        // The helper is dead: whatever it had sent last has been overtaken.
        let runs = await Deadlines.wait(upTo: .seconds(20), every: .milliseconds(10), time: SystemTime()) {
            process.send(.resume)
            return !process.isStopped
        }
        #expect(runs)
        await scene.end()
    }

    @Test("what is down is killed and held, and let go when it heals")
    func down() async throws {
        let scene = try await Scene(drills: true)
        let hold = try scene.context.drills().control + "/order-service.hold"
        let fault = try fault("{fault: down, target: order-service/1}")
        _ = try await fault.inject(in: scene.context)
        #expect(try await scene.child.exit() == .signal(9))
        #expect(Files.exists(hold))
        #expect(scene.context.remembered("restarts order-service/1") == "1")
        _ = try await fault.heal(in: scene.context)
        #expect(!Files.exists(hold))
        #expect(try await fault.heal(in: scene.context).hasPrefix("nothing to heal"))
        await scene.end()
    }

    @Test("on a stack that may not be broken nothing is made, and the remedy is said")
    func notAllowed() async throws {
        let scene = try await Scene()
        for text in [
            "{fault: down, target: order-service/1}", "{fault: partition, link: '*'}", "{fault: fill-disk}",
            "{fault: crash-at, target: order-service/1, point: after-commit}", "{fault: empty-broker}",
        ] {
            let missing = try await fault(text).missing(in: scene.context)
            #expect(missing?.contains("make up DRILLS=on") == true, "\(text): \(missing ?? "nothing")")
        }
        await scene.end()
    }

    @Test("a link that is not there is named with those that are, and the machine's own disk is not filled")
    func missing() async throws {
        let scene = try await Scene(drills: true)
        let link = try await fault("{fault: partition, link: nobody.broker}").missing(in: scene.context)
        #expect(link == "there is no link nobody.broker; there are: order-service.postgres")
        #expect(try await fault("{fault: partition, link: '*.postgres'}").missing(in: scene.context) == nil)
        try Files.makeDirectory(try scene.context.drills().postgresData)
        let provider = try await fault("{fault: provider, faults: '{}'}").missing(in: scene.context)
        #expect(provider?.contains("--providers http") == true)
        await scene.end()
    }

    @Test("healing what was never made does nothing", arguments: FaultReadingTests.healable)
    func healsNothing(text: String) async throws {
        let scene = try await Scene(drills: true)
        let answer = try await fault(text).heal(in: scene.context)
        #expect(answer.hasPrefix("nothing to heal"), "\(answer)")
        #expect(scene.child.ended == nil)
        await scene.end()
    }
}

extension FaultReadingTests {
    static let healable = [
        "{fault: pause, target: order-service/1}", "{fault: down, target: order-service/1}", "{fault: hang-postgres}",
        "{fault: lock-table, database: orders, tables: [orders]}", "{fault: partition, link: '*'}",
        "{fault: latency, link: '*', delay: 1s}", "{fault: lose-answers, link: '*'}", "{fault: fill-disk}",
        "{fault: provider, faults: '{}'}", "{fault: step-clock, target: order-service/1, seconds: 5}",
        "{fault: exhaust-descriptors, target: order-service/1, limit: 20}",
        "{fault: starve, target: order-service/1, share: 0.1}",
    ]
}
