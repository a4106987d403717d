import CLinux
import Clocks
import Glibc
import Synchronization

/// What a listener hears.
package enum PostgresNotice: Sendable, Hashable {
    /// Somebody said this on the channel.
    case notification(channel: String, payload: String)
    /// The connection is new: whatever was said before it was there, nobody has heard.
    case mayHaveMissed
}

/// Listens to channels on a connection of its own (`LISTEN`), and makes a new one when it breaks.
///
/// Notifications are hints: they are lost while there is no connection, which ``PostgresNotice/mayHaveMissed`` tells. Say
/// them with `pg_notify` outside the transaction they are about: inside, its commit takes a lock that all such commits
/// share.
package final class PostgresListener: Sendable {
    private let configuration: PostgresConfiguration
    private let channels: [String]
    private let time: any TimeSource
    private let hear: @Sendable (PostgresNotice) -> Void
    private let isStopped = Atomic(false)
    private let wakeUp: Int32

    /// - Parameters:
    ///   - channels: names made of letters, digits and underscores.
    ///   - hear: called on the listener's thread; must not block.
    package init(
        configuration: PostgresConfiguration, channels: [String], time: any TimeSource,
        hear: @escaping @Sendable (PostgresNotice) -> Void
    ) {
        for channel in channels {
            precondition(
                channel.utf8.allSatisfy {
                    $0 == UInt8(ascii: "_") || ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A) || (0x30...0x39).contains($0)
                }, "\(channel) is no plain channel name")
        }
        var own = configuration
        own.applicationName += "-listener"
        self.configuration = own
        self.channels = channels
        self.time = time
        self.hear = hear
        wakeUp = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    }

    deinit {
        Glibc.close(wakeUp)
    }

    /// Listens until cancelled.
    package func run() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                startThread { [self] in
                    listen()
                    continuation.resume()
                }
            }
        } onCancel: {
            isStopped.store(true, ordering: .releasing)
            var one: UInt64 = 1
            _ = write(wakeUp, &one, 8)
        }
    }

    private func listen() {
        var pause = configuration.minimumBackoff
        while !isStopped.load(ordering: .acquiring) {
            do throws(PostgresError) {
                let limits = LibpqSession.Limits(
                    deadline: .distantFuture, isCancelled: { self.isStopped.load(ordering: .acquiring) })
                let session = try LibpqSession(configuration, wakeUp: wakeUp, time: time, limits: limits)
                try session.script(channels.map { "LISTEN \"\($0)\"" }.joined(separator: "; "))
                pause = configuration.minimumBackoff
                hear(.mayHaveMissed)
                while !isStopped.load(ordering: .acquiring) {
                    for (channel, payload) in try session.notifications(waiting: .seconds(30)) {
                        hear(.notification(channel: channel, payload: payload))
                    }
                }
            } catch {
                waitBeforeReconnecting(pause)
                pause = min(pause * 2, configuration.maximumBackoff)
            }
        }
    }

    private func waitBeforeReconnecting(_ duration: Duration) {
        var descriptor = pollfd(fd: wakeUp, events: Int16(POLLIN), revents: 0)
        _ = poll(&descriptor, 1, Int32(clamping: duration.wholeMilliseconds))
    }
}
