import Clocks
import LocalStack
import TestSupport
import Testing

@Suite("The program dev-broker")
struct ProgramTests {
    /// Runs it to its end.
    private func run(_ arguments: [String]) async throws -> (exit: ChildExit, output: String) {
        let log = try await TestFolder.make("dev-broker") + "/log"
        let process = try await ChildProcess.start(
            Launch(BuiltPrograms.path("dev-broker"), arguments, logFile: log))
        let exit = try await process.exit()
        return (exit, Files.text(log) ?? "")
    }

    @Test(
        "refuses arguments it cannot follow in one sentence",
        arguments: [
            (["--port"], "--port needs a number from 0 to 65535."),
            (["--port", "65536"], "--port needs a number from 0 to 65535."),
            (["--port", "-1"], "--port needs a number from 0 to 65535."),
            (["--topic", "orders:0"], "--topic needs name:partitions"),
            (["--topic", "a topic:1"], "--topic needs name:partitions"),
            (["--topic", "..:1"], "--topic needs name:partitions"),
            (["--topic", "orders:1:2"], "--topic needs name:partitions"),
            (["--topic", "a:1", "--topic", "a:2"], "--topic a is given twice."),
            (["--wrong"], "Unknown argument \"--wrong\""),
        ])
    func arguments(_ arguments: [String], _ complaint: String) async throws {
        let (exit, output) = try await run(arguments)
        #expect(exit == .code(2))
        #expect(output.hasPrefix("dev-broker: \(complaint)"), "\(output)")
        #expect(output.split(separator: "\n").count == 1)
    }

    @Test("says in its help what it is not")
    func help() async throws {
        let (exit, output) = try await run(["--help"])
        #expect(exit.isSuccess)
        #expect(output.contains("forgets") && output.contains("16 MiB") && output.contains("--until-eof"))
    }

    @Test("names the port when another process has it")
    func portTaken() async throws {
        let broker = try await TestBroker.start()
        let (exit, output) = try await run(["--port", "\(broker.port)"])
        #expect(exit == .code(1))
        #expect(
            output
                == "dev-broker: Port \(broker.port) is taken by another process; choose another with --port, or 0 for any free one.\n"
        )
        await broker.stop()
    }

    @Test("listens on the port it is given, and gives it back at once", arguments: [ChildSignal.terminate, .interrupt])
    func port(signal: ChildSignal) async throws {
        let port = Ports.anyFree()
        for _ in 0..<2 {
            let broker = try await TestBroker.start(port: port, topics: ["t": 3])
            #expect(broker.port == port)
            #expect(Ports.accepts(port))
            #expect(await broker.process.stop(with: signal, patience: .seconds(5)) == .code(0))
        }
    }

    @Test("ends when its input does")
    func endOfInput() async throws {
        // The child's input is empty.
        let (exit, output) = try await run(["--port", "0", "--until-eof"])
        #expect(exit.isSuccess)
        #expect(output.contains("dev-broker: ready on 127.0.0.1:"))
    }
}
