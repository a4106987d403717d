import Clocks
import Saga

/// The saga's decisions, from the start of an order to its end.
func sagaParts() -> [Part] {
    guard
        let definition = try? SagaDefinition(
            "place-order", version: 1, deadline: .seconds(600),
            steps: [
                .compensatable("reserve-stock", undoneBy: "release-stock"),
                .compensatable("charge-payment", undoneBy: "refund-payment"),
                .compensatable("book-shipment", undoneBy: "cancel-shipment"), .pivot("confirm"),
                .retriable("commit-stock"),
            ])
    else { preconditionFailure("the order saga's list of steps is not accepted") }
    let now = Timestamp(milliseconds: 1_795_509_302_123)
    let begun = SagaMachine.start(definition, now: now).state
    return [
        Part("saga: start", nanoseconds: 1000, allocations: 2) { count in
            for _ in 0..<count { consume(SagaMachine.start(definition, now: now).actions) }
        },
        Part("saga: advance by one reply", nanoseconds: 1000, allocations: 3) { count in
            for _ in 0..<count {
                var machine = SagaMachine(definition, begun)
                consume(machine.reply(to: "reserve-stock", .succeeded, now: now))
            }
        },
        Part("saga: from the first reply to the end", nanoseconds: 4000, allocations: 12) { count in
            for _ in 0..<count {
                var machine = SagaMachine(definition, begun)
                for command in ["reserve-stock", "charge-payment", "book-shipment", "commit-stock"] {
                    consume(machine.reply(to: command, .succeeded, now: now))
                }
                precondition(machine.state.isFinal, "four replies end the saga")
            }
        },
    ]
}
