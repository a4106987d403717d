/// The faults an experiment can name, in alphabetical order of their kinds.
package enum FaultRegistry {
    package static let all: [any Fault.Type] = [
        BandwidthFault.self,
        CrashAtFault.self,
        CrashPostgresFault.self,
        DownFault.self,
        EmptyBrokerFault.self,
        EndSessionsFault.self,
        ExhaustDescriptorsFault.self,
        FillDiskFault.self,
        HangPostgresFault.self,
        KillFault.self,
        LatencyFault.self,
        LockTableFault.self,
        LoseAnswersFault.self,
        PartitionFault.self,
        PauseFault.self,
        PoisonMessagesFault.self,
        ProviderFault.self,
        RefuseConnectionsFault.self,
        ReplayMessagesFault.self,
        ResetConnectionsFault.self,
        StarveFault.self,
        StepClockFault.self,
        TerminateFault.self,
    ]

    /// Reads the fault that the mapping's member `fault` names, and every other member that is left to it.
    ///
    /// - Returns: nil when something is wrong, which the mistakes then say.
    static func read(_ fields: FieldReader) -> (any Fault)? {
        let before = fields.mistakes.all.count
        let kind = fields.text("fault")
        guard let type = all.first(where: { $0.kind == kind }) else {
            if !kind.isEmpty {
                let kinds = all.map { $0.kind }.joined(separator: ", ")
                fields.refuse("there is no fault \"\(kind)\"; there are: \(kinds)", at: "fault")
            }
            return nil
        }
        let fault = type.init(fields)
        fields.finish()
        return fields.mistakes.all.count == before ? fault : nil
    }
}
