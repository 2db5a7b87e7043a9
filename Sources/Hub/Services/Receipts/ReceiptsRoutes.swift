// The route of receipts; giving one is a message of the socket (Reactor+Receipts), not a command.

extension Router {
  package mutating func addReceipts() {
    read("/api/v1/channels/{channel}/receipts", ReceiptsService.list)
  }
}
