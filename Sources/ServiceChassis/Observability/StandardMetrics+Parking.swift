import Telemetry

extension StandardMetrics {
    func declareParking(_ service: String) {
        registry.observedGauge(
            "messages_parked", help: "Messages that wait because one of their order could not be handled.",
            labels: ["topic"], constants: ["service": service]
        ) { [self] in (readers.withLock(\.parked)?() ?? []).map { MetricSample([$0.topic], $0.count) } }
        registry.observedCounter(
            "message_parks_total", help: "Messages that had to be parked, those behind another one included.",
            labels: ["topic"], constants: ["service": service]
        ) { [self] in readers.withLock(\.parks).map { MetricSample([$0.topic], Double($0.count())) } }
        registry.observedCounter(
            "dead_letters_discarded_total", help: "Dead letters that an operator decided are to have no effect.",
            labels: ["topic"], constants: ["service": service]
        ) { [self] in (readers.withLock(\.discards)?() ?? []).map { MetricSample([$0.topic], Double($0.count)) } }
    }

    /// Connects the messages that wait.
    func observeParked(_ read: @escaping @Sendable () -> [(topic: String, count: Int)]) {
        readers.withLock { $0.parked = read }
    }

    /// Connects how often messages of a topic were parked; once a topic.
    func observeParks(of topic: String, _ read: @escaping @Sendable () -> UInt64) {
        readers.withLock { $0.parks.append((topic, read)) }
    }

    /// Connects how many dead letters were discarded.
    func observeDiscards(_ read: @escaping @Sendable () -> [(topic: String, count: Int)]) {
        readers.withLock { $0.discards = read }
    }
}
