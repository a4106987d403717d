/// What becomes of members nobody asked for.
public enum JSONUnknownMembers: Sendable {
    /// Each is a problem: for requests, where a mistyped name must not be taken for an absent member.
    case refused
    /// They are skipped: for messages, whose senders may be newer than their reader.
    case ignored
}

/// What one decoding shares between its fields: the document and the problems found so far.
@usableFromInline
final class JSONDecodingContext {
    let storage: JSONStorage
    let unknownMembers: JSONUnknownMembers
    private let maximumProblems: Int
    private(set) var problems: [JSONProblem] = []

    init(storage: JSONStorage, unknownMembers: JSONUnknownMembers, maximumProblems: Int) {
        self.storage = storage
        self.unknownMembers = unknownMembers
        self.maximumProblems = maximumProblems
    }

    var isFull: Bool { problems.count >= maximumProblems }

    func report(at node: Int, _ detail: @autoclosure () -> String) {
        guard !isFull else { return }
        problems.append(JSONProblem(at: storage.pointer(to: node), detail()))
    }

    /// Reports something about a member, there or not, of the object at `node`.
    func report(member name: StaticString, ofObjectAt node: Int, _ detail: @autoclosure () -> String) {
        guard !isFull else { return }
        problems.append(
            JSONProblem(at: storage.pointer(to: node).appending(.member(name.description)), detail()))
    }
}
