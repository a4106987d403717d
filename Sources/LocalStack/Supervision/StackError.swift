/// Why the stack is not up.
package enum StackError: Error, Sendable {
    /// Another supervisor works in the same folder.
    case alreadyRunning(folder: String, supervisor: String?)
    case portsTaken([String])
    case programsMissing([String], folder: String)
    case postgres(PostgresServerError)
    /// There is no Apache Kafka to start; a sentence with the remedy.
    case brokerMissing(String)
    case file(FileError)
    /// A child ended again and again before it was ready once.
    case keepsDying(name: String, deaths: Int, log: String)
    case notReadyInTime(name: String, seconds: Double, answer: String, log: String)
    case cancelled
}

extension StackError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .alreadyRunning(let folder, let supervisor):
            "a stack is already running in \(folder)\(supervisor.map { " (process \($0))" } ?? "")"
        case .portsTaken(let conflicts): conflicts.joined(separator: "\n  ")
        case .programsMissing(let names, let folder):
            "there is no \(names.joined(separator: ", no ")) in \(folder): build first (make build), or say where with "
                + "--programs DIR"
        case .postgres(let error): error.description
        case .brokerMissing(let sentence): sentence
        case .file(let error): error.description
        case .keepsDying(let name, let deaths, let log):
            "\(name) ended \(deaths) times without having been ready; its log is \(log)"
        case .notReadyInTime(let name, let seconds, let answer, let log):
            "\(name) was not ready after \(Int(seconds)) s (\(answer)); its log is \(log)"
        case .cancelled: "stopped before all was ready"
        }
    }
}
