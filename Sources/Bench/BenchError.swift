/// Why there are no figures.
package struct BenchError: Error, Equatable, CustomStringConvertible {
    /// One sentence, with the remedy where there is one.
    package var description: String

    init(_ description: String) { self.description = description }
}
