import Clocks
import TestSupport
import Testing

@testable import LocalStack

@Suite("How drills steer children")
struct ChildControlTests {
    private let time = TestTime()

    private func control() async throws -> ChildControl {
        let control = ChildControl(folder: try await TestFolder.make("control"), time: time)
        try control.prepare()
        return control
    }

    @Test("a child is held while its file is there, and another one is not")
    func holds() async throws {
        let control = try await control()
        let file = ChildControl.holdFile("broker", in: control.folder)
        try Files.replace(file, with: [])
        try await control.waitWhileHeld("postgres")
        let waiting = Task { try await control.waitWhileHeld("broker") }
        try await time.nextTimerScheduled()
        Files.remove(file)
        time.advance(by: .seconds(1))
        try await waiting.value
    }

    @Test("a forgotten file holds a child for ten minutes at most")
    func forgotten() async throws {
        let control = try await control()
        try Files.replace(ChildControl.holdFile("broker", in: control.folder), with: [])
        let waiting = Task { try await control.waitWhileHeld("broker") }
        try await time.nextTimerScheduled()
        time.advance(by: ChildControl.longestHold)
        try await waiting.value
    }

    @Test("stopping the stack ends the wait")
    func cancelled() async throws {
        let control = try await control()
        try Files.replace(ChildControl.holdFile("broker", in: control.folder), with: [])
        let waiting = Task { try await control.waitWhileHeld("broker") }
        try await time.nextTimerScheduled()
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
    }

    @Test("the environment is read line by line, and what is no variable is left out")
    func environment() async throws {
        let control = try await control()
        #expect(control.environment("order-service") == [:])
        let text = "CRASH_AT=after-commit:3\nEMPTY=\nnothing\n=none\nA=b=c\n"
        try Files.replace(
            ChildControl.environmentFile("order-service", in: control.folder), with: Array(text.utf8))
        #expect(
            control.environment("order-service") == ["CRASH_AT": "after-commit:3", "EMPTY": "", "A": "b=c"])
    }

    @Test("what an earlier run left is gone at the next start")
    func leftovers() async throws {
        let control = try await control()
        try Files.replace(ChildControl.holdFile("broker", in: control.folder), with: [])
        try control.prepare()
        try await control.waitWhileHeld("broker")
    }
}
