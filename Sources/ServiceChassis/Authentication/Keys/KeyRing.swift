import Clocks
import Synchronization
import Telemetry

/// The keys in force: secrets from the settings, and a key set that is loaded at start and again and again.
///
/// A load that fails changes nothing: the keys there are stay in use until others take their place.
final class KeyRing: Sendable {
    /// How patient a ring is with the source of its keys.
    struct Configuration: Sendable {
        /// Between two loads in the background, give or take a tenth.
        var interval = Duration.seconds(300)
        /// How long one load may take.
        var timeout = Duration.seconds(3)
        /// Between attempts while there are no keys at all.
        var firstPause = Duration.seconds(1)
        /// Between attempts after one has failed.
        var pauseAfterFailure = Duration.seconds(30)
        /// The least time from one load to the next that a token by an unknown key may ask for.
        var leastBetweenDemands = Duration.seconds(30)
    }

    private struct State {
        var document: [UInt8]?
        var keys: KeySet
        var generation: UInt64 = 1
        var lastLoad: MonotonicInstant?
        var demanded: Task<Void, Never>?
        var hasWarned = false
    }

    private let secrets: [TokenKey]
    private let source: (any KeySource)?
    private let configuration: Configuration
    private let time: any TimeSource
    private let random: any RandomSource
    private let logger: Logger
    private let onLoad: @Sendable (_ succeeded: Bool) -> Void
    private let state: Mutex<State>

    init(
        secrets: [HMACKey], source: (any KeySource)?, configuration: Configuration = Configuration(),
        time: any TimeSource, random: any RandomSource, logger: Logger,
        onLoad: @escaping @Sendable (_ succeeded: Bool) -> Void = { _ in }
    ) {
        let secrets = secrets.map(TokenKey.init(secret:))
        self.secrets = secrets
        self.source = source
        self.configuration = configuration
        self.time = time
        self.random = random
        self.logger = logger
        self.onLoad = onLoad
        state = Mutex(State(keys: KeySet(secrets)))
    }

    /// The keys, and a number that grows whenever they change.
    var current: (keys: KeySet, generation: UInt64) {
        state.withLock { ($0.keys, $0.generation) }
    }

    /// Whether the key set has been loaded, where there is one.
    var isComplete: Bool { source == nil || state.withLock { $0.document != nil } }

    /// Loads the keys and keeps them fresh until cancelled; calls `ready` once there are all.
    func run(ready: () -> Void) async {
        guard source != nil else {
            ready()
            return await time.sleepForever()
        }
        while !Task.isCancelled {
            let isFresh = await load()
            if isFresh { ready() }
            guard (try? await time.sleep(for: pause(isFresh: isFresh))) != nil else { return }
        }
    }

    private func pause(isFresh: Bool) -> Duration {
        guard isComplete else { return configuration.firstPause }
        // Not all replicas at the same moment.
        let interval = configuration.interval * (0.9 + 0.2 * random.nextUnit())
        return isFresh ? interval : min(interval, configuration.pauseAfterFailure)
    }

    /// Loads the keys because a token names one that is not there; returns once that is done or has failed.
    ///
    /// All who ask at the same time share one load, and who asks soon after a load is left with what that brought: tokens
    /// with made-up names cost the issuer next to nothing.
    func loadForUnknownKey() async {
        let loading = state.withLock { state -> Task<Void, Never>? in
            if let demanded = state.demanded { return demanded }
            let now = time.now
            if let last = state.lastLoad, now < last.advanced(by: configuration.leastBetweenDemands) { return nil }
            guard source != nil else { return nil }
            state.lastLoad = now
            let task = Task.detached { [self] in
                _ = await load()
                self.state.withLock { $0.demanded = nil }
            }
            state.demanded = task
            return task
        }
        guard let loading else { return }
        _ = await BoundedRun.first(time: time, limit: configuration.timeout) { await loading.value }
    }

    /// One attempt; whether it brought keys.
    @discardableResult
    func load() async -> Bool {
        guard let source else { return true }
        state.withLock { $0.lastLoad = time.now }
        do {
            let bytes = try await source.fetch(within: configuration.timeout)
            try use(bytes)
            onLoad(true)
            return true
        } catch {
            guard !Task.isCancelled else { return false }
            onLoad(false)
            report(error, from: source)
            return false
        }
    }

    private func use(_ bytes: [UInt8]) throws(KeySetDocument.Unusable) {
        let isKnown = state.withLock { state in
            state.hasWarned = false
            return state.document == bytes
        }
        guard !isKnown else { return }
        let document = try KeySetDocument(bytes)
        state.withLock { state in
            state.document = bytes
            state.keys = KeySet(secrets + document.keys)
            state.generation += 1
        }
        logger.info("token keys loaded", ["keys": .count(document.keys.count)])
        for sentence in document.leftOut { logger.warning("a token key is left out", ["reason": .text(sentence)]) }
    }

    /// One warning until it works again: attempts without keys are close together.
    private func report(_ error: any Error, from source: any KeySource) {
        let isFirst = state.withLock { state in
            defer { state.hasWarned = true }
            return !state.hasWarned
        }
        logger.log(
            isFirst ? .warning : .debug,
            isComplete ? "token keys not loaded anew, the old ones stay in use" : "waiting for the token keys",
            ["source": .text(source.name), "error": .error(error)])
    }
}

extension TimeSource {
    /// Returns when the task is cancelled.
    func sleepForever() async {
        while (try? await sleep(for: .seconds(3600))) != nil {}
    }
}
