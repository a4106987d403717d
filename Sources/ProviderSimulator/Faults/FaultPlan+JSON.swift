import JSON

extension FaultPlan: JSONEncodable {
    /// The form of the control API, with every member that its scope has.
    func encode(to json: inout JSONWriter) {
        json.object { json in
            json.name("seed")
            json.integer(seed)
            for scope in FaultScope.allCases {
                guard let rules = scopes[scope] else { continue }
                json.name(scope.rawValue)
                json.object { rules.encode(to: &$0, scope: scope) }
            }
        }
    }

    /// Reads the form of the control API; `drawnSeed` counts where none is given.
    init(_ plan: inout JSONObjectDecoder, drawnSeed: UInt64) {
        // Numbers beyond 2^53 do not survive every JSON tool.
        seed = plan.optional("seed")?.integer(in: 0...Self.largestSeed) ?? drawnSeed % (Self.largestSeed + 1)
        func read(_ field: JSONField?, _ scope: FaultScope) {
            guard let field else { return }
            scopes[scope] = field.object { FaultRules(&$0, scope: scope) }
        }
        read(plan.optional("charges"), .charges)
        read(plan.optional("refunds"), .refunds)
        read(plan.optional("bookings"), .bookings)
        read(plan.optional("queries"), .queries)
        read(plan.optional("webhooks"), .webhooks)
        read(plan.optional("all"), .all)
    }

    static let largestSeed: UInt64 = 1 << 53
}

extension FaultRules {
    fileprivate func encode(to json: inout JSONWriter, scope: FaultScope) {
        func number(_ name: StaticString, _ value: Double) {
            json.name(name)
            json.number(value)
        }
        if scope.hasRequests {
            json.member("latency", latency)
            json.member("latencyPlace", latencyPlace.rawValue)
            number("hangRate", hangRate)
            number("hangSeconds", hangSeconds)
            number("throttleRate", throttleRate)
            json.member("retryAfter", retryAfter)
            json.member("retryAfterForm", retryAfterForm.rawValue)
            number("resetRate", resetRate)
            number("errorRate", errorRate)
            json.array("errorStatuses", errorStatuses) { $0.integer($1) }
            number("errorAfterRate", errorAfterRate)
            number("loseAnswerRate", loseAnswerRate)
            number("truncateRate", truncateRate)
        }
        if scope.hasReads {
            number("lyingStatusRate", lyingStatusRate)
            number("lyingSeconds", lyingSeconds)
            json.array("lies", lies) { $0.string($1.rawValue) }
        }
        if scope.hasWebhooks {
            number("duplicateWebhookRate", duplicateWebhookRate)
            number("loseWebhookRate", loseWebhookRate)
            json.member("webhookDelay", webhookDelay)
        }
    }

    /// Reads the members that the scope has; others are unknown ones.
    fileprivate init(_ rules: inout JSONObjectDecoder, scope: FaultScope) {
        if scope.hasRequests { readRequests(&rules) }
        if scope.hasReads {
            rules.rate("lyingStatusRate", into: &lyingStatusRate)
            rules.number("lyingSeconds", in: 0...LatencyDistribution.longest, into: &lyingSeconds)
            if let field = rules.optional("lies") { lies = field.array(count: 1...3) { $0.oneOf() } }
        }
        if scope.hasWebhooks {
            rules.rate("duplicateWebhookRate", into: &duplicateWebhookRate)
            rules.rate("loseWebhookRate", into: &loseWebhookRate)
            webhookDelay = rules.optional("webhookDelay")?.object { LatencyDistribution(&$0) }
        }
    }

    private mutating func readRequests(_ rules: inout JSONObjectDecoder) {
        latency = rules.optional("latency")?.object { LatencyDistribution(&$0) }
        if let field = rules.optional("latencyPlace") { latencyPlace = field.oneOf() }
        rules.rate("hangRate", into: &hangRate)
        rules.number("hangSeconds", in: 0...Self.longestHang, into: &hangSeconds)
        rules.rate("throttleRate", into: &throttleRate)
        if let field = rules.optional("retryAfter") { retryAfter = field.integer(in: 0...3600) }
        if let field = rules.optional("retryAfterForm") { retryAfterForm = field.oneOf() }
        rules.rate("resetRate", into: &resetRate)
        rules.rate("errorRate", into: &errorRate)
        if let field = rules.optional("errorStatuses") {
            errorStatuses = field.array(count: 1...10) { status in
                let code = status.integer(in: 500...599)
                return code
            }
        }
        rules.rate("errorAfterRate", into: &errorAfterRate)
        rules.rate("loseAnswerRate", into: &loseAnswerRate)
        rules.rate("truncateRate", into: &truncateRate)
    }
}

extension JSONObjectDecoder {
    fileprivate mutating func rate(_ name: StaticString, into value: inout Double) {
        number(name, in: 0...1, into: &value)
    }

    fileprivate mutating func number(_ name: StaticString, in range: ClosedRange<Double>, into value: inout Double) {
        if let field = optional(name) { value = field.number(in: range) }
    }
}
