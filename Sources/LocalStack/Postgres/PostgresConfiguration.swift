/// A private server: where its data is and how it runs.
package struct PostgresServerConfiguration: Sendable {
    /// Holds the data, the socket and the log. Absolute, and used by this server alone.
    package var folder: String
    package var port: Int
    /// The superuser. Connections from this machine need no password, and others are not listened for.
    package var user = "holdfast"
    /// Without durability a crash of the machine, but not of the server, loses data: for tests.
    package var isDurable = true
    package var connectionLimit = 100
    package var sharedBuffersMegabytes = 64
    /// Settings that go before the ones here, as `NAME=VALUE`.
    package var furtherSettings: [String] = []
    /// How long starting may take, recovery after a crash included.
    package var startDeadline: Duration = .seconds(60)

    package init(folder: String, port: Int) {
        self.folder = folder
        self.port = port
    }

    package var dataFolder: String { folder + "/data" }
    package var logFile: String { folder + "/postgres.log" }

    /// Where the unix socket is; nil when its path would be longer than the system allows (107 bytes).
    package var socketFolder: String? {
        "\(folder)/.s.PGSQL.\(port).lock".utf8.count <= 107 ? folder : nil
    }

    /// What the server is told at each start; the files in its folder stay as `initdb` made them.
    var settings: [String] {
        var settings = [
            "port=\(port)",
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=\(socketFolder ?? "")",
            "unix_socket_permissions=0777",
            "max_connections=\(connectionLimit)",
            "shared_buffers=\(sharedBuffersMegabytes)MB",
            "timezone=UTC",
            "log_timezone=UTC",
            "log_line_prefix=%m [%p] %d ",
            "lc_messages=C",
            "max_wal_size=1GB",
            // After a crash one call for the file system instead of one for each of a thousand files: 0.2 s against 8.
            "recovery_init_sync_method=syncfs",
            "wal_level=minimal",
            "max_wal_senders=0",
            "autovacuum_naptime=10s",
        ]
        if !isDurable { settings += ["fsync=off", "full_page_writes=off"] }
        // Of two values for one setting the server takes the last.
        return settings + furtherSettings
    }
}
