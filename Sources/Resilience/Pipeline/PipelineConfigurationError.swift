/// A pipeline's configuration contradicts itself; all of its faults are listed.
public struct PipelineConfigurationError: Error, Hashable, Sendable {
    /// The pipeline's name.
    public let pipeline: String

    /// What is wrong, a sentence each that names the policy.
    public let faults: [String]
}

extension PipelineConfigurationError: CustomStringConvertible {
    /// All faults in one line.
    public var description: String {
        "pipeline \(pipeline) is not configured soundly: \(faults.joined(separator: "; "))"
    }
}
