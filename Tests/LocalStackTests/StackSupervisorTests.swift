import Clocks
import JSON
import LocalStack
import TestSupport
import Testing

/// `holdfast up` as a process, with stand-ins for the broker and the services.
@Suite("holdfast up", .serialized)
struct StackSupervisorTests {
    @Test("all comes up, a killed service comes back, and SIGTERM leaves nothing")
    func life() async throws {
        let stack = try await RunningStack.start()
        try await waitForLine("holdfast: ready", of: stack.process)
        let before = try stack.file()
        #expect(
            before.pids.keys.sorted() == ["inventory-service", "order-service", "payment-service", "shipping-service"])
        let victim = try #require(before.pids["payment-service"])
        _ = try await ChildProcess.start(Launch("/bin/kill", ["-9", String(victim)])).exit()
        try await stack.waitFor { $0.pids["payment-service"] != victim }
        let output = stack.process.lastLines(100)
        #expect(output.contains { $0.hasPrefix("holdfast: payment-service was killed by signal 9 (SIGKILL)") })
        #expect(output.contains("    stand-in listens"))

        let after = try stack.file()
        let postgres = try #require(
            Files.text(stack.data + "/postgres/data/postmaster.pid")?.split(separator: "\n").first)
        let reset = try await stack.holdfast("reset", "--data", stack.data)
        #expect(reset.status == .code(1))
        #expect(reset.lines.first?.contains("already running") == true)

        #expect(await stack.process.stop(patience: .seconds(30)) == .code(0))
        for pid in Array(after.pids.values).map({ String($0) }) + [String(postgres)] {
            #expect(try await isGone(pid: pid))
        }
        #expect(!Files.exists(stack.data + "/stack.json"))
        #expect(try await stack.holdfast("reset", "--data", stack.data).status == .code(0))
        #expect(!Files.exists(stack.data))
    }

    @Test("when the supervisor is killed its children go with it, and the next start carries on")
    func killedSupervisor() async throws {
        let stack = try await RunningStack.start()
        try await waitForLine("holdfast: ready", of: stack.process)
        let pids = try stack.file().pids.values
        stack.process.send(.kill)
        for pid in pids { #expect(try await isGone(pid: String(pid))) }
        let next = try await RunningStack.start(data: stack.data, ports: stack.ports)
        try await waitForLine("holdfast: ready", of: next.process)
        #expect(next.process.lastLines(100).contains { $0.hasSuffix("starting Postgres on port \(stack.ports[0])") })
        await next.process.stop(patience: .seconds(30))
    }

    @Test("a second signal does not wait for children that do not end")
    func secondSignal() async throws {
        let stack = try await RunningStack.start(standIn: "$SIG{TERM} = 'IGNORE';")
        try await waitForLine("holdfast: ready", of: stack.process)
        let pids = try stack.file().pids.values
        stack.process.send(.terminate)
        try await waitForLine("holdfast: stopping", of: stack.process)
        stack.process.send(.interrupt)
        #expect(try await stack.process.exit() == .code(130))
        for pid in pids { #expect(try await isGone(pid: String(pid))) }
        #expect(!Files.exists(stack.data + "/stack.json"))
    }

    @Test("a taken port ends the start with the setting that changes it")
    func takenPort() async throws {
        let postgres = try await TestPostgres.server().configuration.port
        let stack = try await RunningStack.start(ports: [postgres] + RunningStack.freePorts().dropFirst())
        #expect(try await stack.process.exit() == .code(1))
        #expect(stack.process.lastLines().contains { $0.contains("HOLDFAST_POSTGRES_PORT=PORT") })
    }

    @Test("a service that never gets ready is given up, and what had started is stopped")
    func neverReady() async throws {
        let stack = try await RunningStack.start(programs: "exit 7")
        #expect(try await stack.process.exit() == .code(1))
        let lines = stack.process.lastLines(200)
        #expect(lines.contains { $0.contains("dev-broker ended 5 times without having been ready") })
        #expect(lines.last == "holdfast: all stopped")
    }
}

/// A `holdfast up` under test.
private struct RunningStack {
    var process: ChildProcess
    var data: String
    var ports: [Int]

    struct Contents {
        var pids: [String: Int]
    }

    /// Postgres, broker, then API and admin port of each service.
    static func freePorts() -> [Int] { (0..<10).map { _ in Ports.anyFree() } }

    static func start(
        data: String? = nil, ports: [Int] = freePorts(), programs: String? = nil, standIn: String = ""
    ) async throws -> RunningStack {
        let folder = try await TestFolder.make("up")
        let programFolder = try await standIns(in: folder, script: programs, habit: standIn)
        let names = PortName.all.map(\.option)
        let data = data ?? folder + "/data"
        let arguments =
            ["up", "--no-samples", "--data", data, "--programs", programFolder]
            + zip(names, ports).flatMap { ["--port", "\($0)=\($1)"] }
        let process = try await ChildProcess.start(
            Launch(BuiltPrograms.path("holdfast"), arguments, logFile: folder + "/up.log"))
        return RunningStack(process: process, data: data, ports: ports)
    }

    /// A folder with programs that answer every request on their port with 200.
    private static func standIns(in folder: String, script: String?, habit: String) async throws -> String {
        let programs = folder + "/programs"
        try Files.makeDirectory(programs)
        let text = script.map { "#!/bin/sh\n\($0)\n" } ?? "#!/usr/bin/perl\n\(habit)\n\(standIn)"
        for name in ["dev-broker"] + ServiceName.allCases.map(\.rawValue) {
            try Files.replace("\(programs)/\(name)", with: Array(text.utf8))
        }
        _ = try await ChildProcess.start(Launch("/bin/sh", ["-c", "chmod +x \(programs)/*"])).exit()
        return programs
    }

    /// perl-base is part of every Debian.
    private static let standIn = #"""
        use IO::Socket::INET;
        $| = 1;
        my $server = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $ENV{ADMIN_PORT} // $ARGV[1],
            Listen => 9, ReuseAddr => 1) or die "cannot listen: $!";
        print "stand-in listens\n";
        while (my $client = $server->accept) {
            while (<$client>) { last if /^\r?\n$/ }
            print $client "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
        }
        """#

    func file() throws -> Contents {
        let bytes = try #require(Files.read(data + "/stack.json"))
        let document = try JSONDocument(parsing: bytes)
        var pids: [String: Int] = [:]
        for process in document.root["processes"].map({ Array($0.elements) }) ?? [] {
            pids[process["name"]?.string ?? ""] = process["pid"]?.int64.map { Int($0) }
        }
        return Contents(pids: pids)
    }

    func waitFor(_ condition: (Contents) -> Bool) async throws {
        for _ in 0..<2000 {
            if condition(try file()) { return }
            try await SystemTime().sleep(for: .milliseconds(5))
        }
        throw WaitedTooLong(what: "a new stack.json")
    }

    func holdfast(_ arguments: String...) async throws -> (status: ChildExit, lines: [String]) {
        let log = try await TestFolder.make("command") + "/out.log"
        let process = try await ChildProcess.start(Launch(BuiltPrograms.path("holdfast"), arguments, logFile: log))
        return (try await process.exit(), process.lastLines())
    }
}
