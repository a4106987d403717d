/// An argument that cannot be followed.
package struct LoadPlanError: Error, Equatable, CustomStringConvertible {
    package var description: String

    package init(description: String) { self.description = description }
}

extension LoadPlan {
    package static let helpText = """
          --rate N              open loop: N orders a second, whatever becomes of them (default 50)
          --clients N           closed loop instead: N clients, each with one order under way
          --duration TIME       how long orders are placed (default 30s)
          --count N             no more orders than that
          --ramp TIME           an open loop grows to its rate over this time (default 0s)
          --warm-up TIME        the beginning that is left out of the figures (default 3s)
          --mix KIND=SHARE,...  what becomes of orders: ok, declined, slow, flaky, out-of-stock, undeliverable
                                (default ok=100)
          --skus N              over how many items orders are spread (default 100)
          --hot SHARE           the share of orders that all want one and the same item (default 0)
          --lines N             how many lines an order has (default 1)
          --repeat SHARE        the share of orders sent once more with the same key; each must get the same answer
                                (default 0)
          --orders URL,URL      where order-service is (default http://127.0.0.1:8080)
          --inventory URL       where inventory-service is (default http://127.0.0.1:8082)
          --token TOKEN         sent with every request, for a stack with AUTH=jwt; without it that of
                                HOLDFAST_TOKEN, or of the file HOLDFAST_TOKEN_FILE
          --seed N              another order of the same mix (default 1)
          --json FILE           the figures as JSON
          --plot FILE           the course of the run as a page with plots

        A TIME is like 500ms, 30s or 5m. Items and their stock are made before the load begins.

        """

    /// Reads the arguments behind the command's name.
    package init(arguments: [String]) throws(LoadPlanError) {
        self.init()
        var rest = arguments[...]
        while let option = rest.popFirst() {
            guard Self.options.contains(option) else {
                throw LoadPlanError(description: "Unknown argument \"\(option)\"; see holdfast help.")
            }
            guard let value = rest.popFirst(), !value.isEmpty else {
                throw LoadPlanError(description: "\(option) needs a value; see holdfast help.")
            }
            try read(option, value)
        }
        guard warmUp < duration else {
            throw LoadPlanError(
                description: "--warm-up must be shorter than --duration: nothing would be left to measure.")
        }
    }

    private static let options: Set<String> = [
        "--rate", "--clients", "--duration", "--ramp", "--warm-up", "--mix", "--skus", "--hot", "--lines", "--orders",
        "--inventory", "--token", "--seed", "--json", "--plot", "--count", "--repeat",
    ]

    private mutating func read(_ option: String, _ value: String) throws(LoadPlanError) {
        switch option {
        case "--rate": pace = .open(perSecond: try Self.number(value, option, 0.1...100_000))
        case "--clients": pace = .closed(clients: Int(try Self.number(value, option, 1...20_000)))
        case "--duration": duration = try Self.time(value, option)
        case "--count": count = Int(try Self.number(value, option, 1...1_000_000_000))
        case "--repeat": repeatShare = try Self.number(value, option, 0...1)
        case "--ramp": ramp = try Self.time(value, option)
        case "--warm-up": warmUp = try Self.time(value, option)
        case "--mix": mix.shares = try OrderMix.shares(value)
        case "--skus": mix.items = Int(try Self.number(value, option, 1...100_000))
        case "--hot": mix.hotShare = try Self.number(value, option, 0...1)
        case "--lines": mix.lines = Int(try Self.number(value, option, 1...100))
        case "--orders":
            orders = try value.split(separator: ",").map { url throws(LoadPlanError) in try Self.url(url, option) }
        case "--inventory": inventory = try Self.url(value[...], option)
        case "--token": token = value
        case "--seed": seed = UInt64(try Self.number(value, option, 0...9e15))
        case "--json": jsonFile = value
        default: plotFile = value
        }
    }

    private static func number(_ text: String, _ option: String, _ range: ClosedRange<Double>) throws(LoadPlanError)
        -> Double
    {
        guard let value = Double(text), range.contains(value) else {
            throw LoadPlanError(
                description:
                    "\(option) is \"\(text)\", but must be a number from \(short(range.lowerBound)) to \(short(range.upperBound))."
            )
        }
        return value
    }

    private static func short(_ value: Double) -> String {
        value == value.rounded() ? String(Int64(value)) : String(value)
    }

    private static func time(_ text: String, _ option: String) throws(LoadPlanError) -> Duration {
        for (suffix, unit) in [("ms", Duration.milliseconds(1)), ("s", .seconds(1)), ("m", .seconds(60))] {
            guard text.hasSuffix(suffix), let count = Double(text.dropLast(suffix.count)), count >= 0, count < 1e6
            else { continue }
            return unit * count
        }
        throw LoadPlanError(description: "\(option) is \"\(text)\", but must be a time such as 500ms, 30s or 5m.")
    }

    private static func url(_ text: Substring, _ option: String) throws(LoadPlanError) -> String {
        guard text.hasPrefix("http://"), text.count > 7 else {
            throw LoadPlanError(description: "\(option) is \"\(text)\", but must be like http://127.0.0.1:8080.")
        }
        return text.hasSuffix("/") ? String(text.dropLast()) : String(text)
    }
}
