/// What a server's connection allows its client, in bytes and in time.
///
/// All times are absolute from the moment named: a client that sends a byte now and then does not prolong them.
package struct HTTPLimits: Sendable {
    /// The longest head, from the method to the empty line; a request line longer than this is refused as such.
    package var headBytes = 16 * 1024
    /// The most header fields, and separately the most trailer fields, of one request.
    package var fieldCount = 100
    /// The longest body, after chunked coding has been taken off.
    package var bodyBytes = 1024 * 1024
    /// The longest line with a chunk's size and extensions.
    package var chunkLineBytes = 256
    /// What is read ahead while a request is being handled; behind it the client waits.
    package var bufferedInputBytes = 64 * 1024
    /// While more than this is unsent no further pipelined request is begun and a stream's writer waits.
    package var bufferedOutputBytes = 64 * 1024
    /// With more than this unsent the connection is cut.
    package var unsentBytes = 8 * 1024 * 1024

    /// From the first byte of a request until its head is complete.
    package var headTimeout = Duration.seconds(10)
    /// From the end of the head until the body is complete.
    package var bodyTimeout = Duration.seconds(30)
    /// From the end of an answer, or the connection's start, until the first byte of a request.
    package var idleTimeout = Duration.seconds(60)
    /// From the moment the socket takes no more until all that was waiting then has been sent.
    package var sendTimeout = Duration.seconds(60)
    /// From our end of stream until the client's; until then what it still sends is read and dropped, because closing
    /// with unread bytes would make the kernel reset the connection under the answer.
    package var lingerTimeout = Duration.seconds(2)
    /// The same for a connection that was idle when the server began to drain.
    package var idleLingerTimeout = Duration.milliseconds(100)
    /// From the client's end of stream until the handler is cancelled: a client that only half-closed gets an answer
    /// that is ready by then.
    package var halfCloseGrace = Duration.milliseconds(250)

    package init() {}
}
