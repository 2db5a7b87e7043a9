// A PGconn that is finished exactly once, when its last owner lets it go.
import CPostgres

final class ConnectionHandle {
  let native: OpaquePointer
  /// What the server said as it ended the session; to an idle session it comes as a notice.
  private(set) var lastWord: String?

  init(owning native: OpaquePointer) {
    self.native = native
    // Without a receiver libpq prints notices to standard error. The pointer is valid as long as the PGconn is.
    PQsetNoticeReceiver(
      native,
      { raw, result in
        guard let raw, let result, endsSession(result) else { return }
        Unmanaged<ConnectionHandle>.fromOpaque(raw).takeUnretainedValue().lastWord = errorMessage(ofResult: result)
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  deinit { PQfinish(native) }

  /// What is known of why the connection ended.
  var reason: String { lastWord ?? errorMessage(ofConnection: native) }
}
