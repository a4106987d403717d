import Clocks
import HTTPCodec
import HTTPServer

/// A TCP proxy for many links whose faults are switched over HTTP: latency, bandwidth, cuts, black holes and more.
///
/// One thread passes the bytes of all links; another one answers the control API. A change of faults is in
/// force, for open connections too, before its request is answered; healing is a change like any other.
package final class FaultProxy: Sendable {
    /// The port of the control API.
    package let controlPort: Int
    /// The ports of the links by name.
    package let ports: [String: Int]
    private let loop: ProxyLoop
    private let control: HTTPServer
    private let time: any TimeSource

    /// Listens on all ports: clients can connect, and are served once it runs.
    ///
    /// - Parameters:
    ///   - host: The IPv4 address that links and control API listen on.
    ///   - seed: What connections and jitter are drawn with.
    /// - Throws: when a port is taken or descriptors have run out.
    package init(
        links: [LinkSpecification], host: String = "127.0.0.1", controlPort: Int, seed: UInt64,
        time: any TimeSource = SystemTime()
    ) throws(FaultProxyError) {
        let loop = try ProxyLoop(links, host: host, seed: seed, time: time)
        ports = Dictionary(loop.links.map { ($0.specification.name, $0.port) }) { first, _ in first }
        self.loop = loop
        self.time = time
        var configuration = HTTPServerConfiguration(host: host, port: controlPort)
        configuration.threadName = "control"
        let api = ControlAPI(loop: loop, seed: seed)
        do throws(HTTPServerError) {
            control = try HTTPServer(configuration: configuration, time: time) { await api.answer($0) }
            self.controlPort = try control.listen()
        } catch {
            throw .control(error.description)
        }
    }

    /// Serves until the task is cancelled; then every connection is reset.
    package func run() async throws(FaultProxyError) {
        let loop = loop
        LoopThread.start { loop.run() }
        let following = Task { [time] in await loop.names.follow(time) }
        defer { following.cancel() }
        do throws(HTTPServerError) {
            try await control.run()
        } catch {
            loop.stop()
            throw .control(error.description)
        }
        loop.stop()
    }
}
