/// The decoded parameters of a request's query, in the order they were sent.
package struct HTTPQuery: Sendable, Hashable {
    package struct Parameter: Sendable, Hashable {
        package var name: String
        package var value: String
    }

    package private(set) var parameters: [Parameter] = []

    package init() {}

    package var isEmpty: Bool { parameters.isEmpty }

    package mutating func append(_ name: String, _ value: String) {
        parameters.append(Parameter(name: name, value: value))
    }

    /// All values of the parameter, in order.
    package func values(_ name: String) -> [String] {
        parameters.lazy.filter { $0.name == name }.map(\.value)
    }

    /// The parameter's value, nil when it is absent.
    ///
    /// - Throws: when it is given more than once.
    package func value(_ name: String) throws(HTTPTargetError) -> String? {
        let found = values(name)
        guard found.count < 2 else { throw .parameter(name, detail: "is given \(found.count) times") }
        return found.first
    }

    /// Checks that no parameter has another name than `allowed`: a mistyped filter must not select everything.
    ///
    /// - Throws: naming the first unknown parameter.
    package func requireOnly(_ allowed: [String]) throws(HTTPTargetError) {
        for parameter in parameters where !allowed.contains(parameter.name) {
            throw .parameter(parameter.name, detail: "is not a parameter of this resource")
        }
    }
}
