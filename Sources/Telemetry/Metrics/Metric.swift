/// What a family of metrics is made of: one instance per set of label values.
package protocol Metric: AnyObject, Sendable {
    /// What all instances of a family share, such as the bounds of a histogram's buckets.
    associatedtype Shape: Sendable & Equatable

    static var type: MetricType { get }
    init(_ shape: Shape)
    /// Writes the instance's samples.
    func write(to text: inout MetricsText, name: String, labels: String)
}

package enum MetricType: String, Sendable {
    case counter, gauge, histogram
}

/// The shape of metrics that have none.
package struct NoShape: Sendable, Equatable {}
