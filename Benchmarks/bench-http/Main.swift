import Clocks
import Glibc
import HTTPCodec
import HTTPServer

/// Serves a small JSON document for as long as somebody measures it: `bench-http [PORT]`, then for example
/// `wrk -t1 -c64 -d10 http://127.0.0.1:PORT/`. `scripts/bench-http` does both and prints the CPU time a request.
@main
enum Main {
    static func main() async throws {
        let port = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 18080
        let answer = HTTPResponse.json(Array(#"{"status":"up","checks":{"database":{"status":"up"}}}"#.utf8))
        let server = try HTTPServer(
            configuration: HTTPServerConfiguration(host: "127.0.0.1", port: port), time: SystemTime(),
            observer: { _ in }, handler: { _ in answer })
        _ = try server.bind()
        _ = try server.listen()
        try await server.run()
    }
}
