import Clocks
import LocalStack
import TestSupport
import Testing

/// `holdfast up` as a process, with stand-ins for the broker and the services.
@Suite("holdfast up", .serialized)
struct StackSupervisorTests {
    @Test("all comes up, a killed service comes back, and SIGTERM leaves nothing")
    func life() async throws {
        let stack = try await start()
        try await stack.waitUntilReady()
        let before = try stack.file()
        let names = ["provider-simulator"] + ServiceName.allCases.map(\.rawValue)
        #expect(before.processes.map(\.name).sorted() == names.sorted())
        #expect(before.supervisor == stack.process.pid)
        try await stack.killAndAwaitRestart(.payment)
        #expect(stack.output.contains { $0.hasPrefix("holdfast: payment-service was killed by signal 9 (SIGKILL)") })
        #expect(stack.output.contains("    stand-in listens"))

        let data = stack.options.dataFolder
        let pids = try stack.file().processes.map { String($0.pid) }
        let lock = try #require(Files.text(data + "/postgres/data/postmaster.pid"))
        let reset = try await holdfast("reset", "--data", data)
        #expect(reset.status == .code(1))
        #expect(reset.lines.first?.contains("already running") == true)

        #expect(await stack.stop() == .code(0))
        for pid in pids + [String(lock.prefix { $0 != "\n" })] {
            #expect(try await isGone(pid: pid))
        }
        #expect(!Files.exists(data + "/stack.json"))
        #expect(try await holdfast("reset", "--data", data).status == .code(0))
        #expect(!Files.exists(data))
    }

    @Test("when the supervisor is killed its children go with it, and the next start carries on")
    func killedSupervisor() async throws {
        let stack = try await start()
        try await stack.waitUntilReady()
        let pids = try stack.file().processes.map { String($0.pid) }
        stack.process.send(.kill)
        for pid in pids { #expect(try await isGone(pid: pid)) }
        let next = try await TestStack.start(stack.options)
        try await next.waitUntilReady()
        let port = stack.options.port(.postgres)
        #expect(next.output.contains { $0.hasSuffix("starting Postgres on port \(port)") })
        await next.stop()
    }

    @Test("each replica has its own ports and process")
    func replicas() async throws {
        var options = StackOptions()
        options.replicas[.shipping] = 2
        let stack = try await start(options)
        try await stack.waitUntilReady()
        #expect(try stack.file().processes.count == 6)
        #expect(try stack.pid(.shipping, replica: 1) != stack.pid(.shipping, replica: 2))
        await stack.stop()
    }

    @Test("a second signal does not wait for children that do not end")
    func secondSignal() async throws {
        let stack = try await start(habit: "$SIG{TERM} = 'IGNORE';")
        try await stack.waitUntilReady()
        let pids = try stack.file().processes.map { String($0.pid) }
        stack.process.send(.terminate)
        try await waitForLine("holdfast: stopping", of: stack.process)
        stack.process.send(.interrupt)
        #expect(try await stack.process.exit() == .code(130))
        for pid in pids { #expect(try await isGone(pid: pid)) }
        #expect(!Files.exists(stack.options.dataFolder + "/stack.json"))
    }

    @Test("a taken port ends the start with who has it and the setting that changes it")
    func takenPort() async throws {
        let postgres = try await TestPostgres.server()
        var options = StackOptions()
        options.ports[.postgres] = postgres.configuration.port
        let stack = try await start(options)
        #expect(try await stack.process.exit() == .code(1))
        let message = stack.output.first { $0.contains("HOLDFAST_POSTGRES_PORT=PORT") }
        #expect(message?.contains("taken by postgres, process \(postgres.process.pid)") == true)
    }

    @Test("a child that never gets ready is given up, and what had started is stopped")
    func neverReady() async throws {
        let stack = try await start(program: "#!/bin/sh\nexit 7\n")
        #expect(try await stack.process.exit() == .code(1))
        #expect(stack.output.contains { $0.contains("dev-broker ended 5 times without having been ready") })
        #expect(stack.output.last == "holdfast: all stopped")
    }

    @Test("stopped before it is ready it leaves nothing either")
    func stoppedEarly() async throws {
        let stack = try await start(program: "#!/bin/sh\nexec sleep 600\n")
        try await waitForLine("holdfast: starting the broker on port \(stack.options.port(.broker))", of: stack.process)
        #expect(await stack.stop() == .code(1))
        #expect(stack.output.suffix(2) == ["holdfast: stopped before all was ready", "holdfast: all stopped"])
    }
}

extension StackSupervisorTests {
    /// Starts a stack of programs that answer every request on their port with 200, or of another program.
    private func start(
        _ options: StackOptions = StackOptions(), program: String? = nil, habit: String = ""
    ) async throws -> TestStack {
        let folder = try await TestFolder.make("programs")
        let text = program ?? "#!/usr/bin/perl\n\(habit)\n\(Self.standIn)"
        for name in ["dev-broker", "provider-simulator"] + ServiceName.allCases.map(\.rawValue) {
            try Files.replace("\(folder)/\(name)", with: Array(text.utf8))
        }
        _ = try await ChildProcess.start(Launch("/bin/sh", ["-c", "chmod +x \(folder)/*"])).exit()
        var options = options
        options.programFolder = folder
        return try await TestStack.start(options)
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

    private func holdfast(_ arguments: String...) async throws -> (status: ChildExit, lines: [String]) {
        let log = try await TestFolder.make("command") + "/out.log"
        let process = try await ChildProcess.start(Launch(BuiltPrograms.path("holdfast"), arguments, logFile: log))
        return (try await process.exit(), process.lastLines())
    }
}
