import PaymentService
import ShippingService

/// Calls to the payment provider and the carrier, which can do something and fail to say so.
extension World {
    /// After this a caller gives up; shorter than a claim.
    static let callTimeout = Int64.seconds(8)

    func make(_ ask: Call.Ask, _ replica: Int) {
        var call = Call(replica: replica, incarnation: replicas[replica].incarnation, ask: ask)
        let service = replicas[replica].service
        let outsider = faults.outsider(service)
        let stream: Stream = service == .payment ? .provider : .carrier
        let delay = withRandom(stream) { $0.skewed(1000...1_000_000) }
        guard now < Plan.healed else { return reach(call, after: delay) }
        if outsider.isAway(now) {
            // Nobody is there: noticed at once, or never answered.
            let isNoticed = withRandom(stream) { $0.chance(0.5) }
            return hear(isNoticed ? .notMade : .nothing, call, after: isNoticed ? delay : Self.callTimeout)
        }
        switch withRandom(stream, { outsider.mishap(now, &$0) }) {
        case nil: reach(call, after: delay)
        case .refused: hear(.refused, call, after: delay)
        case .requestLost: hear(.nothing, call, after: Self.callTimeout)
        case .answerLost:
            call.isUnheard = true
            reach(call, after: delay)
            hear(.nothing, call, after: Self.callTimeout)
        case .late:
            call.isUnheard = true
            reach(call, after: withRandom(stream) { $0.within(.seconds(1)...Int64.seconds(60)) })
            hear(.nothing, call, after: Self.callTimeout)
        }
    }

    private enum Failure {
        case nothing, refused, notMade
    }

    private func hear(_ failure: Failure, _ call: Call, after wait: Int64) {
        var call = call
        switch (call.ask, failure) {
        case (.payment, .nothing): call.answer = .payment(.unknown("no answer"))
        case (.payment, .refused): call.answer = .payment(.noEffect("refused", retryAfter: .seconds(1)))
        case (.payment, .notMade): call.answer = .payment(.notCalled("nobody is there", retryAfter: .seconds(2)))
        case (.shipment, .nothing): call.answer = .shipment(.unknown("no answer"))
        case (.shipment, .refused): call.answer = .shipment(.noEffect("refused", retryAfter: .seconds(1)))
        case (.shipment, .notMade): call.answer = .shipment(.notCalled("nobody is there", retryAfter: .seconds(2)))
        }
        push(.step(replica: call.replica, incarnation: call.incarnation, .answered(call)), after: wait)
    }

    private func reach(_ call: Call, after wait: Int64) {
        callsUnderWay += 1
        push(.called(call), after: wait)
    }

    /// A call reaches whom it is for, whatever has become of the caller.
    func answer(_ call: Call) {
        callsUnderWay -= 1
        var call = call
        switch call.ask {
        case .payment(let payment, let ask):
            let answer = outside.take(ask, payment, now: now)
            note("provider", "\(describe(ask)) for \(name(of: payment.orderID)): \(describe(answer))")
            checkCharges(of: payment.orderID)
            call.answer = .payment(answer)
        case .shipment(let shipment, let ask):
            let answer = outside.take(ask, shipment, now: now)
            if ask != .track { note("carrier", "\(ask) for \(name(of: shipment.orderID)): \(describe(answer))") }
            call.answer = .shipment(answer)
        }
        guard !call.isUnheard else { return }
        push(
            .step(replica: call.replica, incarnation: call.incarnation, .answered(call)),
            after: networkDelay(call.replica))
    }
}
