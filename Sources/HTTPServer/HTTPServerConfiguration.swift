import HTTPCodec

/// Where a server listens and what it allows its clients.
package struct HTTPServerConfiguration: Sendable {
    /// An IPv4 or IPv6 address; `::` serves both families where the machine has both.
    package var host: String
    /// 0 lets the kernel choose.
    package var port: Int
    /// With this many connections open, further clients wait in the kernel's backlog.
    package var connectionLimit = 4096
    package var backlog = 1024
    package var limits = HTTPLimits()
    /// How many bytes of a streamed answer may wait for the client before its writer is suspended.
    package var streamBufferBytes = 64 * 1024
    /// How long cancelled handlers may still answer when a drain has reached its deadline.
    package var cancelGrace = Duration.milliseconds(100)
    /// The loop thread's name, at most 15 bytes, as debuggers and `top` show it.
    package var threadName = "http"

    package init(host: String = "0.0.0.0", port: Int = 0) {
        self.host = host
        self.port = port
    }
}
