/// A place a decoder looks at: a member or an element that is to be read as something.
///
/// Each reading method returns what is there or, having noted the problem, a placeholder.
public struct JSONField {
    let context: JSONDecodingContext
    let place: Place

    enum Place {
        /// The value at this node.
        case value(Int)
        /// A member that the object at this node lacks.
        case missing(StaticString, object: Int)
        /// Inside something that is itself missing or wrong, which has been noted: nothing more is said.
        case nowhere
    }

    init(context: JSONDecodingContext, place: Place) {
        self.context = context
        self.place = place
    }

    /// The value that is there, unchecked; nil, having noted it, when the member is missing.
    public func any() -> JSONValue? {
        if case .value(let node) = place { return JSONValue(storage: context.storage, index: node) }
        refuse("is required")
        return nil
    }

    /// A boolean; `false` when there is none.
    public func boolean() -> Bool {
        if case .value(let node) = place, context.storage.nodes[node].kind == .boolean {
            return context.storage.nodes[node].count == 1
        }
        refuse(expecting: "true or false")
        return false
    }

    /// An integer in a range; its lower bound when there is none.
    @inlinable
    public func integer<Integer: FixedWidthInteger>(in range: ClosedRange<Integer>) -> Integer {
        Integer(
            truncatingIfNeeded: int64(
                in: Int64(clamping: range.lowerBound)...Int64(clamping: range.upperBound)))
    }

    @usableFromInline
    func int64(in range: ClosedRange<Int64>) -> Int64 {
        if case .value(let node) = place, let value = context.storage.integer(at: node), range.contains(value) {
            return value
        }
        refuse(expecting: "an integer from \(range.lowerBound) to \(range.upperBound)")
        return range.lowerBound
    }

    /// A number in a range; its lower bound when there is none.
    public func number(in range: ClosedRange<Double>) -> Double {
        if case .value(let node) = place, let value = JSONValue(storage: context.storage, index: node).double,
            range.contains(value)
        {
            return value
        }
        let isUnbounded = range.upperBound == .greatestFiniteMagnitude && range.lowerBound == -range.upperBound
        refuse(expecting: isUnbounded ? "a number" : "a number from \(range.lowerBound) to \(range.upperBound)")
        return range.lowerBound
    }

    /// Notes a problem of the caller's own at this place; nothing when a problem above it has been noted.
    public func refuse(_ detail: String) {
        switch place {
        case .value(let node): context.report(at: node, detail)
        case .missing(let name, let object): context.report(member: name, ofObjectAt: object, detail)
        case .nowhere: break
        }
    }

    @usableFromInline
    func refuse(expecting expected: @autoclosure () -> String) {
        switch place {
        case .value(let node): context.report(at: node, "must be \(expected())")
        case .missing(let name, let object):
            context.report(member: name, ofObjectAt: object, "is required and must be \(expected())")
        case .nowhere: break
        }
    }

    @usableFromInline
    func throwProblems() throws(JSONError) {
        if !context.problems.isEmpty { throw .invalid(context.problems) }
    }
}
