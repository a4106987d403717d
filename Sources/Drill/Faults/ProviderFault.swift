import JSON

/// Switches the faults of provider-simulator: answers that lie, are late or lost, errors before and after the effect,
/// webhooks twice or never.
package struct ProviderFault: Fault {
    package static let kind = "provider"
    package static let summary = "switches faults of provider-simulator, as its control API takes them"
    package static let places: Set<DrillPlace> = [.local, .compose]

    /// The object of `PUT /control/faults`.
    private let faults: String

    package init(_ fields: FieldReader) {
        faults = fields.text("faults")
        if (try? JSONDocument(parsing: Array(faults.utf8))) == nil {
            fields.refuse("must be the JSON object that PUT /control/faults takes", at: "faults")
        }
    }

    package var targets: [TargetSelector] { [TargetSelector(name: "provider-simulator")] }

    package func missing(in context: DrillContext) async -> String? {
        guard let links = try? context.drills().links else { return context.missingControl }
        return links.contains { $0.to == "provider-simulator" }
            ? nil : "nobody asks provider-simulator: start the stack with --providers http"
    }

    package func inject(in context: DrillContext) async throws(DrillError) -> String {
        for target in context.targets {
            try context.remember("switched", "yes")
            try await context.call(.put, try context.apiURL(of: target) + "/control/faults", body: faults)
        }
        return "provider-simulator plays \(faults)"
    }

    package func heal(in context: DrillContext) async throws(DrillError) -> String {
        guard context.remembered("switched") != nil else { return "nothing to heal: no fault was switched" }
        for target in context.targets {
            try await context.call(.delete, try context.apiURL(of: target) + "/control/faults")
        }
        return "switched the faults of provider-simulator off"
    }
}
