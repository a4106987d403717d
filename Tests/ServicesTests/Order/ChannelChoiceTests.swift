import SagaRuntime
import Testing

@testable import OrderService

@Suite("The way of a command")
struct ChannelChoiceTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var channel: CommandChannel
        var attempt = 1
        var isKafkaOut = false
        var outboxAge = Duration.zero
        var http = ChannelChoice.HTTPWay.open
        var way: CommandWay
        var testDescription: String { "\(channel) \(attempt) out:\(isKafkaOut) \(http)" }
    }

    private static let cases: [Case] = [
        Case(channel: .auto, way: .kafka),
        Case(channel: .auto, attempt: 2, way: .kafka),
        Case(channel: .auto, attempt: 2, outboxAge: .seconds(6), way: .direct),
        Case(channel: .auto, attempt: 1, outboxAge: .seconds(6), way: .kafka),
        Case(channel: .auto, attempt: 3, way: .direct),
        // With Kafka there, a participant that cannot be reached over HTTP is no reason to wait.
        Case(channel: .auto, attempt: 3, http: .refusing(for: .seconds(3)), way: .kafka),
        Case(channel: .auto, attempt: 3, http: .probing(isTaken: false), way: .kafka),
        Case(channel: .auto, isKafkaOut: true, way: .direct),
        Case(channel: .auto, isKafkaOut: true, http: .probing(isTaken: false), way: .direct),
        Case(channel: .auto, isKafkaOut: true, http: .probing(isTaken: true), way: .none(retryAfter: .seconds(1))),
        Case(channel: .auto, isKafkaOut: true, http: .refusing(for: .seconds(3)), way: .none(retryAfter: .seconds(3))),
        Case(channel: .auto, isKafkaOut: true, http: .refusing(for: .zero), way: .none(retryAfter: .seconds(1))),
        Case(channel: .auto, isKafkaOut: true, http: .refusing(for: .seconds(90)), way: .none(retryAfter: .seconds(5))),
        Case(channel: .kafka, attempt: 9, isKafkaOut: true, way: .kafka),
        Case(channel: .http, way: .direct),
        Case(channel: .http, http: .refusing(for: .seconds(2)), way: .none(retryAfter: .seconds(2))),
    ]

    @Test("is what the situation leaves", arguments: cases)
    func way(_ expected: Case) {
        let choice = ChannelChoice(channel: expected.channel)
        let situation = ChannelChoice.Situation(
            isKafkaOut: expected.isKafkaOut, outboxAge: expected.outboxAge, http: expected.http)
        #expect(choice.way(attempt: expected.attempt, in: situation) == expected.way)
    }

    @Test("a command that could not be delivered parks its saga only where Kafka is no way out")
    func parks() {
        #expect(ChannelChoice(channel: .auto).parks(isKafkaOut: true))
        #expect(!ChannelChoice(channel: .auto).parks(isKafkaOut: false))
        #expect(ChannelChoice(channel: .http).parks(isKafkaOut: false))
        #expect(!ChannelChoice(channel: .kafka).parks(isKafkaOut: true))
    }
}
