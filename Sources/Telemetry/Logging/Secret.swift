/// A value that must not be seen: it prints, dumps and logs as `[redacted]`.
///
/// ``reveal()`` is the one way to the value, which makes every use of a secret easy to find.
package struct Secret<Value: Sendable>: Sendable {
    private let value: Value

    package init(_ value: Value) {
        self.value = value
    }

    package func reveal() -> Value { value }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "[redacted]" }
    package var debugDescription: String { "[redacted]" }
    /// Without children, so that `dump` and a debugger's mirror show nothing either.
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

extension Secret: Equatable where Value: Equatable {}
