import JSON

extension Results {
    /// Every round as JSON; costs are an order's, times milliseconds.
    var json: [UInt8] {
        var json = JSONWriter(capacity: 16_384)
        json.object { json in
            json.member("broker", broker)
            json.member("clients", clients)
            json.object("residentAtStart") { Self.write(residentAtStart.mapValues(Double.init), &$0) }
            json.array("goals", goals) { json, goal in
                json.object {
                    $0.member("what", goal.what)
                    $0.member("target", goal.target)
                    $0.member("median", goal.found?.median ?? 0)
                    $0.member("lowest", goal.found?.lowest ?? 0)
                    $0.member("highest", goal.found?.highest ?? 0)
                    if let isMet = goal.isMet { $0.member("isMet", isMet) }
                }
            }
            json.array("measurements", measurements) { $0.value($1) }
        }
        return json.bytes + [UInt8(ascii: "\n")]
    }

    fileprivate static func write(_ values: [String: Double], _ json: inout JSONWriter) {
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            json.name(name)
            json.number(value)
        }
    }
}

extension Measurement: JSONEncodable {
    package func encode(to json: inout JSONWriter) {
        json.object { json in
            json.member("scenario", kind.rawValue)
            json.member("round", round)
            json.member("seconds", seconds)
            json.member("orders", orders)
            json.member("acceptedPerSecond", acceptedPerSecond)
            json.member("finalPerSecond", perSecond)
            if let offeredPerSecond { json.member("offeredPerSecond", offeredPerSecond) }
            json.member("refused", refused)
            json.member("answered", answered)
            json.member("final", final)
            json.object("processorTime") {
                $0.member("orderService", time.orderService)
                $0.member("otherServices", time.otherServices)
                $0.member("broker", time.broker)
                $0.member("postgres", time.postgres)
                $0.member("load", time.load)
            }
            json.member("commits", commits)
            if let statements { json.member("statements", statements) }
            if let messages { json.member("messages", messages) }
            json.member("logBytes", logBytes)
            json.object("resident") { Results.write(resident.mapValues(Double.init), &$0) }
            json.object("starts") { Results.write(starts, &$0) }
        }
    }
}

extension Measurement.Latency: JSONEncodable {
    package func encode(to json: inout JSONWriter) {
        json.object {
            $0.member("p50", p50)
            $0.member("p90", p90)
            $0.member("p99", p99)
            $0.member("p999", p999)
            $0.member("max", max)
        }
    }
}
