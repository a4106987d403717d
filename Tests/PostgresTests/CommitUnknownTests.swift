import Clocks
import Glibc
import Postgres
import Synchronization
import TestSupport
import Testing

/// Stands between a client and the server and cuts the line at a moment of the test's choosing.
private final class CuttingProxy: Sendable {
    let port: Int
    private let listener: Int32
    private let server: Int
    /// The connection is cut as soon as the client has sent this; what was sent before it still reaches the server.
    private let trigger: [UInt8]
    /// Whether what holds the trigger reaches the server.
    private let forwards: Bool
    private let isArmed = Atomic(false)

    init(to server: Int, cuttingAt trigger: String, forwards: Bool) {
        self.server = server
        self.trigger = Array(trigger.utf8)
        self.forwards = forwards
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        listener = descriptor
        var address = Self.address(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutableBytes(of: &address) { bytes in
            let pointer = bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self)
            _ = bind(descriptor, pointer, length)
            _ = listen(descriptor, 8)
            getsockname(descriptor, pointer, &length)
        }
        port = Int(UInt16(bigEndian: address.sin_port))
        Self.startThread { self.accept() }
    }

    func arm() { isArmed.store(true, ordering: .releasing) }

    func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

    private static func address(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    private func accept() {
        while case let client = Glibc.accept(listener, nil, nil), client >= 0 {
            let upstream = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = Self.address(server)
            withUnsafeBytes(of: &address) {
                _ = connect(
                    upstream, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self),
                    socklen_t(MemoryLayout<sockaddr_in>.size))
            }
            Self.startThread { self.forward(from: upstream, to: client, watching: false) }
            Self.startThread { self.forward(from: client, to: upstream, watching: true) }
        }
        close(listener)
    }

    private func forward(from source: Int32, to target: Int32, watching: Bool) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while case let count = recv(source, &buffer, buffer.count, 0), count > 0 {
            let isCut = watching && isArmed.load(ordering: .acquiring) && contains(buffer[..<count])
            if isCut { shutdown(source, Int32(SHUT_RDWR)) }
            if !isCut || forwards { _ = send(target, buffer, count, Int32(MSG_NOSIGNAL)) }
            if isCut { break }
        }
        shutdown(source, Int32(SHUT_RDWR))
        shutdown(target, Int32(SHUT_WR))
    }

    private func contains(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard bytes.count >= trigger.count else { return false }
        return (bytes.startIndex...bytes.endIndex - trigger.count).contains {
            bytes[$0..<$0 + trigger.count].elementsEqual(trigger)
        }
    }

    private static func startThread(_ body: @escaping @Sendable () -> Void) {
        final class Box {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { context in
                Unmanaged<Box>.fromOpaque(context!).takeRetainedValue().body()
                return nil
            }, Unmanaged.passRetained(Box(body)).toOpaque())
        pthread_detach(thread)
    }
}

@Suite("A connection that breaks around the commit")
struct CommitUnknownTests {
    @Test(
        "says that the commit may have happened when it had been sent, and the truth may be either",
        arguments: [true, false])
    func unknown(reachesServer: Bool) async throws {
        try await withClient { client, database in
            _ = try await client.query(Statement("CREATE TABLE t (a int8)"))
            let proxy = CuttingProxy(to: database.port, cuttingAt: "COMMIT", forwards: reachesServer)
            defer { proxy.stop() }
            let cut = PostgresClient(
                configuration: PostgresConfiguration(
                    host: "127.0.0.1", port: proxy.port, user: database.user, database: database.name),
                time: SystemTime(), random: SeededRandom(seed: 1))
            defer { cut.close() }
            _ = try await cut.query(Statement("SELECT 1"))
            proxy.arm()
            let error = await #expect(throws: PostgresError.self) {
                try await cut.batch([Statement("INSERT INTO t VALUES (1)")])
            }
            #expect(error?.isCommitUnknown == true && error?.isRetriable == true, "\(String(describing: error))")
            var count: Int64 = -1
            let patience = SystemTime().now.advanced(by: .seconds(5))
            repeat {
                count = try await client.query(Statement("SELECT count(*) FROM t"))[0].int8(0)
            } while reachesServer && count == 0 && SystemTime().now < patience
            #expect(count == (reachesServer ? 1 : 0))
        }
    }

    @Test("says that nothing was committed when the commit had not been sent")
    func before() async throws {
        try await withClient { client, database in
            _ = try await client.query(Statement("CREATE TABLE t (a int8)"))
            let proxy = CuttingProxy(to: database.port, cuttingAt: "marker", forwards: true)
            defer { proxy.stop() }
            let cut = PostgresClient(
                configuration: PostgresConfiguration(
                    host: "127.0.0.1", port: proxy.port, user: database.user, database: database.name),
                time: SystemTime(), random: SeededRandom(seed: 1))
            defer { cut.close() }
            proxy.arm()
            let error = await #expect(throws: PostgresError.self) {
                try await cut.transaction { transaction in
                    _ = try transaction.execute(Statement("INSERT INTO t VALUES (1) /* marker */"))
                    try transaction.commit()
                }
            }
            #expect(error?.isCommitUnknown == false, "\(String(describing: error))")
            let count = try await client.query(Statement("SELECT count(*) FROM t"))[0].int8(0)
            #expect(count == 0)
        }
    }
}
