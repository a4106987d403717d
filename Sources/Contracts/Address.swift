/// Where a shipment goes.
package struct Address: Hashable, Sendable {
    package var name: String
    package var street: String
    package var city: String
    package var postalCode: String
    /// ISO 3166-1 alpha-2, two upper-case letters.
    package var country: String

    package init(name: String, street: String, city: String, postalCode: String, country: String) {
        self.name = name
        self.street = street
        self.city = city
        self.postalCode = postalCode
        self.country = country
    }
}
