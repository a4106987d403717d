import Clocks
import Glibc
import JSON

/// How long something takes, drawn anew each time; in seconds, none longer than ``longest``.
enum LatencyDistribution: Hashable, Sendable {
    case fixed(seconds: Double)
    /// Every value between the two is as likely as any other.
    case uniform(minimum: Double, maximum: Double)
    /// Most are short, a few long: the time between events that know nothing of each other.
    case exponential(mean: Double, maximum: Double)
    /// What networks and databases look like: `sigma` is the spread of the logarithm.
    case lognormal(mean: Double, sigma: Double, maximum: Double)

    static let longest = 60.0

    /// Draws one; always from two random numbers, so that what is drawn next does not depend on the distribution.
    func sample(_ random: some RandomSource) -> Duration {
        let (first, second) = (random.nextUnit(), random.nextUnit())
        let seconds: Double
        switch self {
        case .fixed(let value): seconds = value
        case .uniform(let minimum, let maximum): seconds = minimum + (maximum - minimum) * first
        case .exponential(let mean, let maximum): seconds = min(-mean * log(1 - first), maximum)
        case .lognormal(let mean, let sigma, let maximum):
            // Box and Muller 1958 for the normal; the shift makes the mean of the result `mean` before it is cut.
            let normal = sqrt(-2 * log(1 - first)) * cos(2 * .pi * second)
            seconds = min(mean * exp(sigma * normal - sigma * sigma / 2), maximum)
        }
        return .nanoseconds(Int64(min(max(0, seconds), Self.longest) * 1e9))
    }
}

extension LatencyDistribution: JSONEncodable {
    func encode(to json: inout JSONWriter) {
        json.object { json in
            func member(_ name: StaticString, _ value: Double) {
                json.name(name)
                json.number(value)
            }
            switch self {
            case .fixed(let seconds):
                json.member("distribution", Kind.fixed.rawValue)
                member("seconds", seconds)
            case .uniform(let minimum, let maximum):
                json.member("distribution", Kind.uniform.rawValue)
                member("minimum", minimum)
                member("maximum", maximum)
            case .exponential(let mean, let maximum):
                json.member("distribution", Kind.exponential.rawValue)
                member("mean", mean)
                member("maximum", maximum)
            case .lognormal(let mean, let sigma, let maximum):
                json.member("distribution", Kind.lognormal.rawValue)
                member("mean", mean)
                member("sigma", sigma)
                member("maximum", maximum)
            }
        }
    }

    private enum Kind: String, CaseIterable {
        case fixed, uniform, exponential, lognormal
    }

    /// Reads the form of the control API; members of another distribution are unknown ones.
    init(_ latency: inout JSONObjectDecoder) {
        let seconds = 0...Self.longest
        switch latency.oneOf("distribution", Kind.self) {
        case .fixed:
            self = .fixed(seconds: latency.number("seconds", in: seconds))
        case .uniform:
            let minimum = latency.number("minimum", in: seconds)
            let maximum = latency.number("maximum", in: seconds)
            if maximum < minimum { latency.refuse("maximum", "must not be below minimum") }
            self = .uniform(minimum: minimum, maximum: maximum)
        case .exponential:
            self = .exponential(
                mean: latency.number("mean", in: seconds), maximum: latency.number("maximum", in: seconds))
        case .lognormal:
            self = .lognormal(
                mean: latency.number("mean", in: seconds), sigma: latency.number("sigma", in: 0...3),
                maximum: latency.number("maximum", in: seconds))
        }
    }
}
