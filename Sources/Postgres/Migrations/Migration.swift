/// One step of a database's schema, forward only.
package struct Migration: Sendable, Hashable {
    /// Steps are applied in this order; gaps are fine.
    package var version: Int
    package var name: String
    package var sql: String

    package init(version: Int, name: String, sql: String) {
        self.version = version
        self.name = name
        self.sql = sql
    }

    /// FNV-1a over the text: tells an edited step from the one that was applied; no protection against intent.
    var checksum: Int64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in sql.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        return Int64(bitPattern: hash)
    }
}

/// Why a schema could not be brought up to date.
package enum MigrationError: Error, Sendable, CustomStringConvertible {
    /// A step was edited after it had been applied.
    case changed(version: Int, name: String)
    /// The database has a step that this program does not know: the program is older than the database.
    case unknown(version: Int, name: String)
    /// A step failed; it left nothing behind.
    case failed(version: Int, name: String, PostgresError)
    case postgres(PostgresError)

    package var description: String {
        switch self {
        case .changed(let version, let name):
            "migration \(version) (\(name)) was changed after it had been applied; add a new one instead"
        case .unknown(let version, let name):
            "the database has migration \(version) (\(name)), which this program does not know; run a newer program"
        case .failed(let version, let name, let error): "migration \(version) (\(name)) failed: \(error)"
        case .postgres(let error): "the migrations could not be applied: \(error)"
        }
    }
}
