import Clocks

/// Where prices come from.
protocol Catalogue: Sendable {
    /// The items of these SKUs; what is not in the catalogue is left out.
    ///
    /// - Throws: when the catalogue cannot say, with a problem the customer can be told.
    func items(_ skus: [String], deadline: MonotonicInstant) async throws -> [CatalogueItem]
}
