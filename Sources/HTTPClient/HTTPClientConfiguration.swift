/// The limits of a client.
package struct HTTPClientConfiguration: Sendable {
    /// How long name resolution, connect and handshake may take together; the request's deadline may end it sooner.
    package var connectTimeout: Duration = .seconds(2)
    /// The most requests under way to one authority, each on a connection of its own.
    package var connectionsPerAuthority = 32
    /// The most requests that wait for one of these connections, per authority.
    package var queuedPerAuthority = 1024
    /// The most connections that are kept for reuse.
    package var idleConnections = 128
    /// A connection that was idle for longer is not used again; keep it below the servers' own limit.
    package var idleLimit: Duration = .seconds(30)
    /// A connection older than this is not used again, so that new addresses of a name are found; zero for no limit.
    package var lifetimeLimit: Duration = .seconds(600)
    /// The most bytes of an answer's head.
    package var headLimit = 64 * 1024
    /// The most bytes of an answer's body.
    package var bodyLimit = 8 * 1024 * 1024
    /// A PEM file of certificate authorities instead of the system's.
    package var certificateAuthorities: String?

    package init() {}
}
