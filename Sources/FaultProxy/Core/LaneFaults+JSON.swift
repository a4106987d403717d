import JSON

extension LaneFaults: JSONEncodable {
    func encode(to json: inout JSONWriter) {
        json.object { json in
            json.member("latencyMilliseconds", latencyMilliseconds)
            json.member("jitterMilliseconds", jitterMilliseconds)
            json.member("bytesPerSecond", bytesPerSecond)
            json.member("cutAfterBytes", cutAfterBytes)
            json.member("cutWith", cutWith.rawValue)
            json.member("halfClose", isHalfClosed)
            json.member("blackHole", isBlackHole)
            json.member("reset", isReset)
            json.member("refuse", isRefused)
            json.name("share")
            json.number(share)
        }
    }

    /// Reads the form of the control API; what is left out is as without faults.
    init(_ faults: inout JSONObjectDecoder, direction: Direction) {
        func count(_ name: StaticString, _ range: ClosedRange<Int>, into value: inout Int) {
            if let field = faults.optional(name) { value = field.integer(in: range) }
        }
        func flag(_ name: StaticString, into value: inout Bool) {
            if let field = faults.optional(name) { value = field.boolean() }
        }
        count("latencyMilliseconds", 0...Self.longestLatency, into: &latencyMilliseconds)
        count("jitterMilliseconds", 0...Self.longestLatency, into: &jitterMilliseconds)
        count("bytesPerSecond", 0...Self.largestRate, into: &bytesPerSecond)
        if let field = faults.optional("cutAfterBytes") { cutAfterBytes = field.integer(in: 0...Self.largestCut) }
        if let field = faults.optional("cutWith") { cutWith = field.oneOf() }
        flag("halfClose", into: &isHalfClosed)
        flag("blackHole", into: &isBlackHole)
        flag("reset", into: &isReset)
        if let field = faults.optional("refuse") {
            isRefused = field.boolean()
            if isRefused, direction == .downstream { field.refuse("can be said of upstream alone") }
        }
        if let field = faults.optional("share") { share = field.number(in: 0...1) }
    }
}
