import Testing

/// What is not to be called, and what takes its place.
@Suite("Banned calls")
struct BannedCallTests {
    struct Ban: Sendable, CustomTestStringConvertible {
        var call: String
        var instead: String
        /// Beginnings of paths that may use it all the same.
        var except: [String] = []
        var alsoInTests = false

        var testDescription: String { call }
    }

    /// Assembled, so that this file does not trip over itself.
    static let bans = [
        Ban(call: "Date" + "(", instead: "take a Timestamp as a parameter"),
        Ban(call: "UUID" + "()", instead: "UUID.version7(at:random:)", alsoInTests: true),
        Ban(call: ".random" + "(in:", instead: "a RandomSource passed in", alsoInTests: true),
        Ban(call: "ContinuousClock" + "(", instead: "a TimeSource passed in"),
        Ban(call: "SuspendingClock" + "(", instead: "a TimeSource passed in"),
        Ban(call: "Task" + ".sleep", instead: "sleep(until:) of a TimeSource", except: ["Sources/Clocks/"]),
        Ban(
            call: "print" + "(", instead: "the Logger, or the console of the CLI",
            except: ["Sources/holdfast/", "Sources/Load/", "Sources/simulate/", "Benchmarks/"]),
        Ban(call: "debugPrint" + "(", instead: "the Logger", alsoInTests: true),
        Ban(call: "dump" + "(", instead: "the Logger"),
        Ban(call: "fatalError" + "()", instead: "a message that says which assumption broke", alsoInTests: true),
        Ban(call: "try" + "!", instead: "a typed error, or a precondition with a message"),
        Ban(call: "as" + "!", instead: "as? and a message"),
        Ban(call: "Dispatch" + "Queue", instead: "a thread of its own for what blocks, tasks for the rest"),
        Ban(call: "Dispatch" + "Source", instead: "an epoll loop, or sigwait on a thread"),
        Ban(call: "Dispatch" + "Semaphore", instead: "a continuation with a deadline"),
        Ban(call: "usleep" + "(", instead: "sleep(until:) of a TimeSource", except: ["Sources/TestSupport/"]),
        Ban(call: "Task" + ".yield", instead: "a signal that says when to go on", except: ["Tests/"]),
    ]

    @Test("a banned call has its replacement", arguments: bans)
    func banned(ban: Ban) {
        for file in Repository.swiftFiles where ban.alsoInTests || !file.isTest {
            if ban.except.contains(where: { file.path.hasPrefix($0) }) || !file.mentions(ban.call) { continue }
            for line in file.code where Self.calls(ban.call, in: line.text) && !Self.isSeeded(line.text) {
                Issue.record("\(file.path):\(line.number) uses \(ban.call) — instead: \(ban.instead)")
            }
        }
    }

    /// Finds the call where it is not the end of a longer name, and not a declaration of that name.
    static func calls(_ call: String, in line: Substring) -> Bool {
        var rest = line
        while let found = rest.firstRange(of: call) {
            let before = line[..<found.lowerBound]
            let isName = call.first.map { $0.isLetter } ?? false
            let joined = isName && (before.last.map { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." } ?? false)
            if !joined && !before.hasSuffix("func ") { return true }
            rest = rest[found.upperBound...]
        }
        return false
    }

    /// A generator handed in is as good as a RandomSource; drawing the seed itself is how a sequence begins.
    private static func isSeeded(_ line: Substring) -> Bool { line.contains("using: &") || line.contains("seed") }

    @Test("inside services and what they stand on, only the wiring names the machine's clock and generator")
    func wiring() {
        let folders = ImportTests.services.union(["Messaging", "SagaRuntime"])
        for file in Repository.swiftFiles where file.path.hasPrefix("Sources/") && folders.contains(file.target) {
            guard !file.path.hasSuffix("+Build.swift") else { continue }
            for call in ["SystemTime()", "SystemRandom()"] where file.mentions(call) {
                Issue.record("\(file.path) names \(call): take it as a parameter, +Build hands it in")
            }
        }
    }

    @Test("the finder tells a call from a longer name, a method and a declaration")
    func finder() {
        let call = "Date" + "("
        #expect(Self.calls(call, in: "let now = Date()"))
        #expect(Self.calls(call, in: "CivilDate(x) + Date(y)"))
        #expect(!Self.calls(call, in: "CivilDate(daysSince1970: 3)"))
        #expect(!Self.calls(call, in: "func Date(_ x: Int)"))
        #expect(!Self.calls(call, in: "formatter.Date(x)"))
        #expect(Self.calls(".random" + "(in:", in: "Int" + ".random" + "(in: 0..<3)"))
    }

    @Test("what the compiler is told to trust says why, directly above")
    func provenSendability() {
        let phrases = ["@unchecked " + "Sendable", "nonisolated" + "(unsafe)"]
        for file in Repository.swiftFiles
        where file.path.hasPrefix("Sources/") && phrases.contains(where: file.mentions) {
            let lines = file.lines
            for (number, text) in file.code where phrases.contains(where: { text.contains($0) }) {
                var above = number - 2
                while above >= 0, lines[above].drop(while: { $0 == " " }).hasPrefix("@") { above -= 1 }
                let isExplained = above >= 0 && lines[above].drop(while: { $0 == " " }).hasPrefix("//")
                #expect(isExplained, "\(file.path):\(number) needs a comment above it that proves it")
            }
        }
    }
}
