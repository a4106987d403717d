import Clocks
import JSON
import Resilience

/// The form of a rule in `/admin/faults`; times in seconds.
///
/// ```json
/// {"name":"slow-quotes","operation":"inventory-service/*","key":null,"rate":0.2,"sampling":"calls","moment":"before",
///  "latency":{"kind":"exponential","seconds":0.2,"upTo":2},"effect":{"kind":"status","value":"503"},"times":null,"lastsSeconds":60}
/// ```
extension FaultRule {
    private enum LatencyKind: String, CaseIterable {
        case fixed, uniform, exponential
    }

    private enum EffectKind: String, CaseIterable {
        case refusal, error, status
    }

    private static let longestSeconds = 600.0

    /// Reads a rule; everything that is wrong with it is noted with its place.
    init(_ rule: inout JSONObjectDecoder) {
        self.init(rule.string("name", length: 1...64))
        operation = rule.optional("operation").map(Self.match) ?? .any
        key = rule.optional("key").map(Self.match) ?? .any
        rate = rule.optional("rate")?.number(in: 0...1) ?? 1
        sampling = rule.optional("sampling")?.oneOf() ?? .calls
        moment = rule.optional("moment")?.oneOf() ?? .before
        latency = rule.optional("latency")?.object(Self.latency)
        let effectField = rule.optional("effect")
        effect = effectField?.object(Self.effect)
        times = rule.optional("times")?.integer(in: 1...1_000_000_000)
        lasts = rule.optional("lastsSeconds").map { .seconds($0.number(in: 0.001...86_400)) }
        if latency == nil, effect == nil { rule.refuse("needs a latency or an effect") }
        if let fault = FaultKind.fault(in: self) { effectField?.refuse(fault) }
    }

    /// `*` behind the text means all that begin so; `*` alone means all.
    private static func match(_ field: JSONField) -> Match {
        let text = field.string(length: 1...255)
        if text == "*" { return .any }
        return text.hasSuffix("*") ? .prefix(String(text.dropLast())) : .exactly(text)
    }

    private static func latency(_ latency: inout JSONObjectDecoder) -> Latency {
        let kind = latency.oneOf("kind", LatencyKind.self)
        let seconds = latency.number("seconds", in: 0...longestSeconds)
        guard kind != .fixed else {
            if seconds == 0 { latency.refuse("seconds", "must be above 0") }
            return .fixed(.seconds(seconds))
        }
        let end = latency.number("upTo", in: 0...longestSeconds)
        if end <= seconds { latency.refuse("upTo", "must be above seconds") }
        return kind == .uniform
            ? .uniform(from: .seconds(seconds), to: .seconds(end))
            : .exponential(mean: .seconds(seconds), cap: .seconds(end))
    }

    private static func effect(_ effect: inout JSONObjectDecoder) -> Effect {
        switch effect.oneOf("kind", EffectKind.self) {
        case .refusal: return .refusal
        case .error: return .error(effect.string("value", length: 1...16))
        case .status: return .outcome(effect.string("value", length: 1...16))
        }
    }
}

extension FaultRuleCount: JSONEncodable {
    /// The rule as it was set, with how many calls it meant and how many it was injected into.
    public func encode(to json: inout JSONWriter) {
        json.object {
            $0.member("name", rule.name)
            $0.member("operation", rule.operation.text)
            $0.member("key", rule.key.text)
            $0.member("rate", rule.rate)
            $0.member("sampling", rule.sampling.rawValue)
            $0.member("moment", rule.moment.rawValue)
            $0.member("latency", rule.latency.map(LatencyForm.init))
            $0.member("effect", rule.effect.map(EffectForm.init))
            $0.member("times", rule.times)
            $0.member("lastsSeconds", rule.lasts?.inSeconds)
            $0.member("matched", Int64(clamping: matched))
            $0.member("injected", Int64(clamping: injected))
        }
    }
}

extension FaultRule.Match {
    fileprivate var text: String {
        switch self {
        case .any: "*"
        case .exactly(let name): name
        case .prefix(let prefix): prefix + "*"
        }
    }
}

private struct LatencyForm: JSONEncodable {
    let latency: FaultRule.Latency

    func encode(to json: inout JSONWriter) {
        let (kind, seconds, end): (String, Duration, Duration?) =
            switch latency {
            case .fixed(let duration): ("fixed", duration, nil)
            case .uniform(let from, let to): ("uniform", from, to)
            case .exponential(let mean, let cap): ("exponential", mean, cap)
            }
        json.object {
            $0.member("kind", kind)
            $0.member("seconds", seconds.inSeconds)
            if let end { $0.member("upTo", end.inSeconds) }
        }
    }
}

private struct EffectForm: JSONEncodable {
    let effect: FaultRule.Effect

    func encode(to json: inout JSONWriter) {
        let (kind, value): (String, String?) =
            switch effect {
            case .refusal: ("refusal", nil)
            case .error(let value): ("error", value)
            case .outcome(let value): ("status", value)
            }
        json.object {
            $0.member("kind", kind)
            if let value { $0.member("value", value) }
        }
    }
}
