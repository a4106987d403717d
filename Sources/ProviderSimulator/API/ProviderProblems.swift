import HTTPCodec
import ServiceChassis

extension ProblemType {
    static let chargeReversed = ProblemType(409, "charge-reversed", "The charge was reversed before it came")
    static let chargeNotCaptured = ProblemType(409, "charge-not-captured", "The charge has taken no money to give back")
    static let refundExceedsCharge = ProblemType(
        422, "refund-exceeds-charge", "More is asked back than remains of the charge")
    static let bookingCancelled = ProblemType(409, "booking-cancelled", "The booking was cancelled")
    static let bookingRefused = ProblemType(409, "booking-refused", "The booking was refused")
    static let alreadyDispatched = ProblemType(409, "already-dispatched", "The parcel is on its way")
    static let ledgerBusy = ProblemType(409, "ledger-busy", "The ledger has something under way")
}

extension ProblemDetails {
    static let ledgerFull = ProblemDetails(
        .overloaded, detail: "The ledger is full: DELETE /control/ledger makes room.", retryAfter: .seconds(30))
}

extension RequestContext {
    /// The caller's key in the path.
    ///
    /// - Throws: 404 `not-found` for what can be no key.
    func key() throws(ProblemDetails) -> String {
        do { return try IdempotencyKey(parameters["key"]).text } catch { throw ProblemDetails(.notFound) }
    }

    /// Checks a body that may be empty and has no members.
    func requireEmptyBody() throws(ProblemDetails) {
        if let document = try optionalDocument() { try decode(document) { _ in } }
    }

    /// The position in a register where the page begins.
    func pageStart(_ page: PageRequest) throws(ProblemDetails) -> Int {
        guard let text = page.afterText else { return 0 }
        guard let position = Int(text) else { throw .invalidParameter("cursor", "was not issued for this list") }
        return position + 1
    }
}
