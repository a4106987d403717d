import HTTPCodec

/// What a server tells its observer, on its loop thread: an observer must be quick and must not block.
package enum HTTPServerEvent: Sendable {
    /// A request has been answered, a stream to its end.
    case answered(HTTPExchange)
    /// A request was not answered whole: the client went away, did not read, the drain reached its
    /// deadline, or the handler had it broken off.
    case abandoned(HTTPExchange)
    /// The codec answered by itself: the request was broken, too large or too slow.
    case refused(HTTPRefusal)
}

/// One request and its answer.
package struct HTTPExchange: Sendable {
    package var method: HTTPMethod
    /// As sent; never a metric's label.
    package var target: String
    /// Nil when the client was gone before the handler answered.
    package var status: HTTPStatus?
    /// From the complete request until the answer was handed to the socket.
    package var duration: Duration
    package var requestBytes: Int
    /// Bytes of the answer's body.
    package var responseBytes: Int
}
