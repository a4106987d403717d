import Clocks
import HTTPClient
import Telemetry

extension Chassis {
    /// Who sends the process's spans to the collector; none where no collector is named. Near the head of the list of
    /// services, so that it ends late and sends what the others leave.
    ///
    /// - Throws: `PipelineConfigurationError` when the settings contradict one another.
    func tracingParts() throws -> [any Service] {
        guard let endpoint = settings.tracing.endpoint, let spans else { return [] }
        let client = HTTPClient(time: time)
        let delivery = try SpanDelivery(to: endpoint, client: client, self)
        let part = ClosureService("trace-export") { [time, settings] life in
            life.ready()
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await spans.run(sending: delivery.send) }
                group.addTask {
                    await life.stopRequested()
                    spans.stop()
                    // The drain time is not for spans alone.
                    try? await time.sleep(for: settings.drain / 4)
                }
                // Whoever ends first: all is sent, or the time for it is over.
                await group.next()
                group.cancelAll()
            }
            await client.shutdown()
        }
        return [part]
    }
}
