import Telemetry

/// Where spans go, and of which traces; the names are OpenTelemetry's.
package struct TracingSettings: SettingsGroup {
    /// Decides about traces that begin here. One that a caller has begun is told as the caller wants it.
    package enum Sampler: String, CaseIterable, Sendable {
        case all = "parentbased_always_on"
        case none = "parentbased_always_off"
        case ratio = "parentbased_traceidratio"
    }

    /// The collector's OTLP/HTTP endpoint; nil for no spans at all.
    package var endpoint: ServiceURL?
    /// Fields of every export, such as a token.
    package var headers: [(name: String, value: String)]
    /// How long the export of a batch may take, further attempts included.
    package var timeout: Duration
    package var sampler: Sampler
    /// The share of traces that is told, by ``Sampler/ratio``.
    package var ratio: Double

    package init(reading settings: inout SettingsReader) {
        endpoint = settings.optional(
            "OTEL_EXPORTER_OTLP_ENDPOINT", .serviceURL,
            "The collector that traces are sent to, by OTLP over HTTP in JSON (`/v1/traces` is appended); without it no spans are kept."
        )
        let text = settings.secret(
            "OTEL_EXPORTER_OTLP_HEADERS", "Header fields of every export, as `name=value` separated by commas.")
        timeout = settings.value(
            "OTEL_EXPORTER_OTLP_TIMEOUT", .milliseconds(1...60_000), default: .seconds(10),
            "How long the export of a batch may take, further attempts included.")
        sampler = settings.value(
            "OTEL_TRACES_SAMPLER", .choice(), default: .all,
            "Which traces that begin here are told: all, none, or a share of them; one that a caller began is told as the caller wants it."
        )
        ratio = settings.value(
            "OTEL_TRACES_SAMPLER_ARG", .number(0...1), default: 1,
            "The share of traces that `parentbased_traceidratio` tells.")
        headers = []
        guard let text = text?.reveal() else { return }
        if let read = Self.fields(text) {
            headers = read
        } else {
            settings.reject(
                "OTEL_EXPORTER_OTLP_HEADERS", value: SettingsReader.hidden, reason: "is no list of header fields",
                remedy: "Write name=value, separated by commas, the values percent-encoded where they have commas.")
        }
    }

    var traceSampler: TraceSampler {
        switch sampler {
        case .all: .always
        case .none: .never
        case .ratio: TraceSampler(ratio: ratio)
        }
    }

    /// Fields as W3C Baggage writes them, without properties; nil for anything else.
    static func fields(_ text: String) -> [(name: String, value: String)]? {
        var fields: [(name: String, value: String)] = []
        for member in text.split(separator: ",") {
            let parts = member.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let value = decoded(parts[1].trimmed) else { return nil }
            let name = parts[0].trimmed
            guard !name.isEmpty, name.utf8.allSatisfy(isToken) else { return nil }
            fields.append((String(name), value))
        }
        return fields
    }

    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }

    /// The text with its percent-escapes resolved; nil where they are broken, or hide what no header field may have.
    private static func decoded(_ text: some StringProtocol) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return bytes.allSatisfy { (0x20...0x7E).contains($0) } ? String(decoding: bytes, as: UTF8.self) : nil
    }
}

extension SettingKind where Value == Duration {
    /// A whole number of milliseconds of the range.
    package static func milliseconds(_ allowed: ClosedRange<Int64>) -> SettingKind {
        SettingKind(
            name: "whole number", range: "\(allowed.lowerBound) to \(allowed.upperBound)", unit: "milliseconds",
            placeholder: .milliseconds(allowed.lowerBound), render: { String(Int64($0 / .milliseconds(1))) }
        ) { text in
            guard let value = Int64(text), allowed.contains(value) else { return nil }
            return .milliseconds(value)
        }
    }
}
