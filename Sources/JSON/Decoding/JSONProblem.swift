/// One thing that is wrong with a well-formed document.
public struct JSONProblem: Hashable, Sendable {
    /// The place as a URI fragment, such as `#/lines/0/quantity`; a missing member has the pointer it would have.
    public let pointer: String
    /// What is wrong or what is allowed there, such as `must be an integer from 1 to 1000`.
    public let detail: String

    /// Creates a problem at a place.
    public init(at pointer: JSONPointer, _ detail: String) {
        self.pointer = pointer.fragment
        self.detail = detail
    }
}

extension JSONProblem: CustomStringConvertible {
    /// Place and detail in one line.
    public var description: String { "\(pointer): \(detail)" }
}
