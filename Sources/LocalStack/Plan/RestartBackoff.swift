import Clocks

/// How long a dead child waits to be started again: 0.2 s, doubling to 5 s, back to 0.2 s after 30 s of life.
package struct RestartBackoff: Sendable, Equatable {
    package static let shortest = Duration.milliseconds(200)
    package static let longest = Duration.seconds(5)
    /// Who lived that long is healthy: its next death counts as a first one.
    package static let healthyLife = Duration.seconds(30)

    /// What the next death waits for, unless the child lived long; within `shortest...longest`.
    private var next = shortest

    package init() {}

    /// The wait after a death of a child that lived that long.
    package mutating func delay(afterLifeOf life: Duration) -> Duration {
        let delay = life >= Self.healthyLife ? Self.shortest : next
        next = min(delay * 2, Self.longest)
        return delay
    }
}
