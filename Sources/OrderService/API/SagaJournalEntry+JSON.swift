import JSON
import Saga

extension SagaJournalEntry {
    /// The entry as a line of an order's timeline.
    func write(to json: inout JSONWriter) {
        json.object {
            $0.member("step", step)
            $0.member("kind", kind.rawValue)
            $0.member("undoes", undoes)
            $0.member("status", status.rawValue)
            $0.member("attempts", attempts)
            $0.member("channel", channel.rawValue)
            $0.member("startedAt", startedAt)
            $0.member("finishedAt", finishedAt)
            $0.member("detail", detail)
        }
    }
}
