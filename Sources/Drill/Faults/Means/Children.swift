import Clocks
import LocalStack

/// What a fault asks of the stack's supervisor about one of its children.
extension DrillTarget {
    /// The child's name in the folder `control` of a stack.
    var label: String {
        switch name {
        case "dev-broker": StackPlan.brokerName
        case "postgres": StackPlan.postgresName
        default: replica == 1 ? name : "\(name)-\(replica)"
        }
    }
}

extension DrillContext {
    /// Why children cannot be steered; nil when they can.
    var missingControl: String? {
        do throws(DrillError) {
            _ = try drills()
            return nil
        } catch {
            return error.description
        }
    }

    /// Keeps a child from being started again until ``release(_:)``.
    func hold(_ target: DrillTarget) throws(DrillError) {
        let file = ChildControl.holdFile(target.label, in: try drills().control)
        try remember("hold \(target)", file)
        try write([], to: file)
    }

    /// Gives the next starts of a child variables besides its own until ``clearEnvironment(_:)``.
    func setEnvironment(_ variables: [String: String], of target: DrillTarget) throws(DrillError) {
        let file = ChildControl.environmentFile(target.label, in: try drills().control)
        try remember("environment \(target)", file)
        let lines = variables.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)\n" }.joined()
        try write(Array(lines.utf8), to: file)
    }

    func clearEnvironment(_ target: DrillTarget) {
        if let file = remembered("environment \(target)") { Files.remove(file) }
    }

    /// Lets every child that this fault holds be started again, with its own environment.
    ///
    /// - Returns: how many files there were to remove.
    @discardableResult
    func releaseChildren() -> Int {
        let files = rememberedNames.filter { $0.hasPrefix("hold ") || $0.hasPrefix("environment ") }
            .compactMap(remembered).filter(Files.exists)
        for file in files { Files.remove(file) }
        return files.count
    }

    /// Ends a child and waits for the one that the supervisor starts in its place, until that is ready where it can be asked.
    ///
    /// - Returns: the new process.
    func restart(_ target: DrillTarget, with signal: ChildSignal) async throws(DrillError) -> ProcessIdentity {
        let old = try process(of: target)
        try expectRestart(of: target)
        old.send(signal)
        var new: ProcessIdentity?
        _ = await Deadlines.wait(upTo: .seconds(40), time: time) {
            new = (try? self.process(of: target)).flatMap { $0 == old ? nil : $0 }
            return new != nil
        }
        guard let new else { throw DrillError("\(target) was not started again within 40 s") }
        return new
    }

    /// Waits until a process is gone.
    func waitForEnd(of process: ProcessIdentity, upTo limit: Duration) async -> Bool {
        await Deadlines.wait(upTo: limit, every: .milliseconds(20), time: time) { !process.isAlive }
    }

    func write(_ bytes: [UInt8], to file: String) throws(DrillError) {
        do throws(FileError) { try Files.replace(file, with: bytes) } catch { throw DrillError("\(error)") }
    }
}

extension ProcessIdentity {
    /// This process and all below it, parents first.
    var family: [ProcessIdentity] {
        [self] + ProcessTable.children(of: pid).compactMap { ProcessIdentity(pid: $0.pid) }.flatMap(\.family)
    }
}
