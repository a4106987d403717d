import Clocks
import SagaRuntime

/// Decides by which way a command goes: a pure function of what is known at that moment.
package struct ChannelChoice: Sendable {
    /// What is known of the ways when a command is written.
    package struct Situation: Sendable {
        /// Whether the circuit breaker of the brokers refuses messages.
        package var isKafkaOut: Bool
        /// How old the oldest message in the outbox is.
        package var outboxAge: Duration
        /// Whether the participant can be reached over HTTP, as far as its circuit breaker knows.
        package var http: HTTPWay

        package init(isKafkaOut: Bool, outboxAge: Duration, http: HTTPWay) {
            self.isKafkaOut = isKafkaOut
            self.outboxAge = outboxAge
            self.http = http
        }
    }

    /// What the circuit breaker in front of a participant says.
    package enum HTTPWay: Sendable, Hashable {
        case open
        /// Somebody has to find out whether it works again.
        case probing(isTaken: Bool)
        case refusing(for: Duration)
    }

    /// An outbox whose oldest message is older than this does not lead anywhere, whatever the circuit says.
    package static let longestOutboxAge = Duration.seconds(5)
    /// Kafka has taken two sendings and no answer has come: whoever should answer may not hear it.
    package static let suspectAttempt = 3
    /// A parked saga looks again after this at least, and after this at most: soon enough for everybody to be at the end in
    /// time once the way is free, and not so soon that waiting costs more than working.
    package static let parking = (shortest: Duration.seconds(1), longest: Duration.seconds(5))

    package let channel: CommandChannel

    package init(channel: CommandChannel) {
        self.channel = channel
    }

    package func way(attempt: Int, in situation: Situation) -> CommandWay {
        switch channel {
        case .kafka: return .kafka
        case .http: return direct(situation)
        case .auto:
            if situation.isKafkaOut { return direct(situation) }
            let isSuspect =
                attempt >= Self.suspectAttempt || (attempt == 2 && situation.outboxAge > Self.longestOutboxAge)
            return isSuspect && situation.http == .open ? .direct : .kafka
        }
    }

    /// Whether a command that could not be sent directly has its saga parked; otherwise it goes by Kafka when it is due.
    package func parks(isKafkaOut: Bool) -> Bool {
        switch channel {
        case .kafka: false
        case .http: true
        case .auto: isKafkaOut
        }
    }

    private func direct(_ situation: Situation) -> CommandWay {
        switch situation.http {
        case .open, .probing(isTaken: false): .direct
        case .probing(isTaken: true): .none(retryAfter: Self.parking.shortest)
        case .refusing(let rest): .none(retryAfter: Self.wait(rest))
        }
    }

    /// How long a saga is parked whose participant wants to be left alone for this long.
    package static func wait(_ rest: Duration?) -> Duration {
        min(max(rest ?? parking.shortest, parking.shortest), parking.longest)
    }
}
