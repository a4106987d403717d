/// Why a drill, or a part of it, could not be done; says what to do about it.
package struct DrillError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
