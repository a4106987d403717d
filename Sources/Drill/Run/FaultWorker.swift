import Clocks
import HTTPClient
import LocalStack

/// Makes faults and heals them, and sees to it that none is forgotten.
struct FaultWorker: Sendable {
    let folder: DrillFolder
    let resultFolder: String
    let client: HTTPClient
    let time: any TimeSource
    let random: any RandomSource
    let note: @Sendable (String) -> Void

    func context(_ memory: FaultMemory) -> DrillContext {
        DrillContext(
            tag: memory.header.tag, targets: memory.header.targets, stackFolder: folder.stackFolder,
            folder: resultFolder, random: random, time: time, client: client, memory: memory, journal: note)
    }

    /// Heals and, when that worked, forgets the leftover. Runs to its end when the task is cancelled, with three attempts.
    ///
    /// - Throws: what kept it from being healed; the leftover stays for `holdfast drill heal`.
    func heal(_ fault: any Fault, _ memory: FaultMemory) async throws(DrillError) -> String {
        let context = context(memory)
        let time = time
        let healing = Task { () -> Result<String, DrillError> in
            var last = DrillError("was not tried")
            for attempt in 1...3 {
                do throws(DrillError) { return .success(try await fault.heal(in: context)) } catch { last = error }
                if attempt < 3 { try? await time.sleep(for: .seconds(1)) }
            }
            return .failure(last)
        }
        let text = try await healing.value.get()
        memory.remove()
        return text
    }

    /// Heals what an earlier runner left behind; what is under way in a runner that lives is left alone unless it is
    /// overdue.
    ///
    /// - Returns: one line for each leftover, and whether all are healed.
    func healLeftovers(isDue: (FaultMemory.Header) -> Bool) async -> (lines: [String], isClean: Bool) {
        var lines: [String] = []
        var isClean = true
        for memory in FaultMemory.leftovers(in: folder.leftovers) where isDue(memory.header) {
            let header = memory.header
            guard let fault = FaultTemplate.fault(parameters: header.parameters) else {
                lines.append("\(header.tag) (\(header.kind)): this program knows no such fault: \(header.parameters)")
                isClean = false
                continue
            }
            do throws(DrillError) {
                lines.append("\(header.tag) (\(header.kind)): \(try await heal(fault, memory))")
            } catch {
                lines.append("\(header.tag) (\(header.kind)): could not be healed: \(error)")
                isClean = false
            }
        }
        return (lines, isClean)
    }
}

extension FaultMemory.Header {
    /// Whether its runner is gone.
    var isOrphaned: Bool { !(ProcessIdentity(written: runner)?.isAlive ?? false) }
}

/// The dead man's switch: a process of its own that heals what a runner leaves behind when it dies, and what a runner
/// that hangs does not heal in time.
package enum DrillGuard {
    /// A runner has this long after a fault's end to heal it.
    static let patience = Duration.seconds(60)

    /// Watches until the runner is gone; then heals and returns.
    package static func run(data: String, runner: String, time: any TimeSource = SystemTime()) async -> Int32 {
        guard let folder = try? DrillFolder(stackFolder: data), let identity = ProcessIdentity(written: runner) else {
            return 2
        }
        let client = HTTPClient(time: time)
        let worker = FaultWorker(
            folder: folder, resultFolder: folder.path, client: client, time: time, random: SystemRandom(),
            note: { _ in })
        while identity.isAlive {
            let now = time.wallNow
            _ = await worker.healLeftovers { $0.runner == runner && $0.endsAt.advanced(by: patience) < now }
            guard (try? await time.sleep(for: .milliseconds(500))) != nil else { break }
        }
        let result = await worker.healLeftovers { $0.runner == runner }
        await client.shutdown()
        return result.isClean ? 0 : 1
    }

    static func start(data: String, runner: ProcessIdentity) async throws(DrillError) -> ChildProcess {
        var launch = Launch(
            Files.canonical("/proc/self/exe") ?? "/proc/self/exe",
            ["drill", "guard", "--data", data, "--runner", runner.written])
        // The CLI holds this signal back, so that the guard outlives its parent and sees that it is gone.
        launch.deathSignal = .terminate
        do throws(ChildProcessError) { return try await ChildProcess.start(launch) } catch {
            throw DrillError("the guard that heals after a crash could not be started: \(error)")
        }
    }
}
