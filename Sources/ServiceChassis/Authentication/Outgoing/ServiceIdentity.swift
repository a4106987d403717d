import Clocks
import Synchronization
import Telemetry

/// The token with which this service calls the others: signed by itself, or read from a file that somebody keeps fresh.
final class ServiceIdentity: Sendable {
    /// How long a token signed here is good for.
    static let lifetime = Duration.seconds(300)
    /// It is replaced this long before its end, so that none ends on the way.
    static let margin = Duration.seconds(60)
    /// How often the file is read.
    static let readInterval = Duration.seconds(15)

    private enum Source: Sendable {
        case mint(TokenMint)
        case file(WatchedFile)
    }

    private struct State {
        var token: Secret<String>?
        /// When a token signed here is to be replaced.
        var renewal = Timestamp(milliseconds: 0)
        var hasWarned = false
    }

    private let service: String
    private let source: Source
    private let time: any TimeSource
    private let logger: Logger
    private let state = Mutex(State())

    private init(_ service: String, _ source: Source, time: any TimeSource, logger: Logger) {
        self.service = service
        self.source = source
        self.time = time
        self.logger = logger
    }

    /// Tokens signed with the secret of the suite.
    convenience init(_ service: String, mint: TokenMint, time: any TimeSource, logger: Logger) {
        self.init(service, .mint(mint), time: time, logger: logger)
    }

    /// The token in a file, read again every ``readInterval``.
    convenience init(_ service: String, file: WatchedFile, time: any TimeSource, logger: Logger) {
        self.init(service, .file(file), time: time, logger: logger)
    }

    /// The token for a call that is made now; nil while the file has not been read yet.
    var token: Secret<String>? {
        guard case .mint(let mint) = source else { return state.withLock(\.token) }
        let now = time.wallNow
        return state.withLock { state in
            if let token = state.token, now < state.renewal { return token }
            let token = Secret(
                mint.token(subject: service, scope: Scope.service.rawValue, lifetime: Self.lifetime, now: now))
            state.token = token
            state.renewal = now.advanced(by: Self.lifetime - Self.margin)
            return token
        }
    }

    /// Keeps the token fresh until cancelled; calls `ready` once there is one.
    func run(ready: () -> Void) async {
        guard case .file(let file) = source else {
            ready()
            return await time.sleepForever()
        }
        while !Task.isCancelled {
            if await read(file) { ready() }
            let pause = state.withLock { $0.token == nil } ? .seconds(1) : Self.readInterval
            guard (try? await time.sleep(for: pause)) != nil else { return }
        }
    }

    /// One attempt; a failure leaves the token there is.
    private func read(_ file: WatchedFile) async -> Bool {
        let result = await file.read(within: .seconds(3)).flatMap(Self.token)
        switch result {
        case .success(let token):
            state.withLock { state in
                state.token = token
                state.hasWarned = false
            }
            return true
        case .failure(let failure):
            let isFirst = state.withLock { state in
                defer { state.hasWarned = true }
                return !state.hasWarned
            }
            logger.log(
                isFirst ? .warning : .debug, "this service's own token cannot be read",
                ["file": .text(file.path), "reason": .text(failure.reason)])
            return false
        }
    }

    /// The token alone, perhaps with a line end behind it.
    private static func token(_ bytes: [UInt8]) -> Result<Secret<String>, FileReadingFailure> {
        let text = bytes[..<(bytes.lastIndex { $0 > 0x20 }.map { $0 + 1 } ?? 0)]
        guard (1...JSONWebToken.maximumLength).contains(text.count), text.allSatisfy({ (0x21...0x7E).contains($0) })
        else { return .failure(FileReadingFailure(reason: "does not hold a token alone")) }
        return .success(Secret(String(decoding: text, as: UTF8.self)))
    }
}
