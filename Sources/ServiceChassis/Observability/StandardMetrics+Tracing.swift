import Telemetry

extension StandardMetrics {
    func declareTracing(_ service: String) {
        registry.observedCounter(
            "spans_exported_total", help: "Spans that the trace collector has taken.", constants: ["service": service]
        ) { [self] in [MetricSample([], Int(clamping: readers.withLock(\.spans)?().delivered ?? 0))] }
        registry.observedCounter(
            "spans_dropped_total",
            help: "Spans that went nowhere: no room to keep them, or the collector did not take them.",
            labels: ["reason"], constants: ["service": service]
        ) { [self] in
            let spans = readers.withLock(\.spans)?()
            return [
                MetricSample(["queue-full"], Int(clamping: spans?.dropped ?? 0)),
                MetricSample(["not-delivered"], Int(clamping: spans?.lost ?? 0)),
            ]
        }
    }

    /// Connects the export of spans.
    func observeSpans(_ read: @escaping @Sendable () -> SpanExporter.Statistics) {
        readers.withLock { $0.spans = read }
    }
}
