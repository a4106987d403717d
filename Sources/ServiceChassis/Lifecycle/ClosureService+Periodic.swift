import Clocks
import Telemetry

extension ClosureService {
    /// Work that is done at once and then again and again, `interval` after the end of the time before.
    ///
    /// What it throws is logged at debug and does not end it; a request to stop cancels the work that is under way.
    package static func periodic(
        _ name: String, every interval: Duration, time: any TimeSource, logger: Logger,
        _ work: @escaping @Sendable () async throws -> Void
    ) -> ClosureService {
        ClosureService(name) { life in
            life.ready()
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    repeat {
                        do {
                            try await work()
                        } catch {
                            logger.debug("periodic work failed", ["part": .text(name), "error": .error(error)])
                        }
                    } while (try? await time.sleep(for: interval)) != nil
                }
                group.addTask { await life.stopRequested() }
                await group.next()
                group.cancelAll()
            }
        }
    }
}
