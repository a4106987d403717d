/// A pool at one moment.
package struct PoolStatistics: Sendable, Hashable {
    package var idle: Int
    package var busy: Int
    /// Of the busy ones, those that are being established.
    package var connecting: Int
    package var waiting: Int
    package var maximum: Int
    /// When the last attempt to connect failed, why.
    package var lastConnectFailure: String?
}
