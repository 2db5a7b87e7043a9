// What the hub knows of one event stream: an answer to GET /sse/{channel} that has no end. It carries one subscription.
import Domain
import Protocol

final class EventStreamSession: ListeningSession {
  /// The request, until it is answered: a subscription that cannot be made is answered as a problem.
  let head: HTTPRequestHead
  let exchange: HTTPExchange
  let requestID: RequestID
  /// The answer's head has been sent; from now on there are only events.
  var hasStarted = false

  init(
    head: HTTPRequestHead, exchange: HTTPExchange, requestID: RequestID, identifier: Identifier, caller: Caller
  ) {
    self.head = head
    self.exchange = exchange
    self.requestID = requestID
    super.init(identifier: identifier, caller: caller)
  }
}
