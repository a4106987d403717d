import Clocks
import Glibc
import LocalStack
import TestSupport
import Testing

@Suite("The folder of a stack")
struct StackFolderTests {
    @Test("a second supervisor is refused, also a reset, until the first lets go")
    func lock() async throws {
        let folder = try StackFolder(try await TestFolder.make("stack"))
        let lock = try folder.lock()
        #expect(throws: StackError.self) { try folder.lock() }
        #expect(throws: StackError.self) { try folder.reset() }
        #expect(Files.isDirectory(folder.path))
        lock.release()
        try folder.reset()
        #expect(!Files.exists(folder.path))
    }

    @Test("the logs of the last run stay for one run more")
    func logs() async throws {
        let folder = try StackFolder(try await TestFolder.make("stack"))
        try folder.rotateLogs()
        try Files.replace(folder.logFile("a"), with: Array("one".utf8))
        try folder.rotateLogs()
        #expect(Files.list(folder.logFolder) == ["a.log.previous"])
    }

    @Test("the secret of the webhooks is made once, differs from folder to folder, and is for this account alone")
    func webhookSecret() async throws {
        let folder = try StackFolder(try await TestFolder.make("stack"))
        try folder.makeWebhookSecret(SeededRandom(seed: 1))
        let secret = try #require(Files.text(folder.webhookSecretFile))
        #expect(secret.count > 50)
        var status = stat()
        #expect(stat(folder.webhookSecretFile, &status) == 0 && status.st_mode & 0o777 == 0o600)
        try folder.makeWebhookSecret(SeededRandom(seed: 2))
        #expect(Files.text(folder.webhookSecretFile) == secret)
        let other = try StackFolder(try await TestFolder.make("stack"))
        try other.makeWebhookSecret(SeededRandom(seed: 3))
        #expect(Files.text(other.webhookSecretFile) != secret)
    }

    @Test("Postgres' data leaves the folder only when its account may not enter", .enabled(if: Account.isRoot))
    func elsewhere() async throws {
        let account = try #require(Account(named: "nobody"))
        let path = try await TestFolder.make("closed")
        let folder = try StackFolder(path + "/inner")
        #expect(folder.postgresFolder(for: account) == folder.path + "/postgres")
        let close = try await ChildProcess.start(Launch("chmod", ["700", path]))
        #expect(try await close.exit() == .code(0))
        let other = folder.postgresFolder(for: account)
        #expect(other.hasPrefix("/var/tmp/holdfast-postgres-"))
        #expect(folder.postgresFolder(for: nil) == folder.path + "/postgres")
        #expect(try StackFolder(path + "/inner").postgresFolder(for: account) == other)
    }
}
