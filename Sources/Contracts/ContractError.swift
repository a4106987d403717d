/// Why a payload is not what its type says; the sentence goes to the dead letter.
package struct ContractError: Error, Equatable, Sendable, CustomStringConvertible {
    package var type: String
    package var detail: String

    package init(type: String, detail: String) {
        self.type = type
        self.detail = detail
    }

    package var description: String { "the payload is no \(type): \(detail)" }
}
