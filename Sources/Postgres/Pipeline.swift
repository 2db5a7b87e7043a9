// Sending batches and taking their answers, in libpq's pipeline mode (libpq, "Pipeline Mode").
//
// Answers come in the order sent. Each command brings its result and then a null; a Sync brings PGRES_PIPELINE_SYNC
// and no null. After a failure the rest of the batch comes as PGRES_PIPELINE_ABORTED. A failure may also come in place
// of the Sync's own answer: that is the commit which failed (a deferred constraint).
import CPostgres
import EventLoop

extension PostgresConnection {
  /// Sends a batch behind those that are under way; `completion` is called exactly once, on the loop, maybe before this
  /// returns. It is what `execute` waits for; used by itself it saves the suspension.
  package func submit(
    _ statements: [Statement], timeout: Duration? = nil,
    completion: @escaping (Result<[PostgresRows], PostgresError>) -> Void
  ) {
    guard let handle else {
      completion(.failure(refusal))
      return
    }
    if let fault = statements.lazy.compactMap(\.fault).first {
      completion(.failure(.server(fault)))
      return
    }
    guard !statements.isEmpty else {
      completion(.success([]))
      return
    }
    makeRoom(handle)
    let deadline = MonotonicTime.now().advanced(by: timeout ?? options.statementTimeout)
    send(statements, Batch(deadline: deadline, completion: completion), handle)
  }

  private var refusal: PostgresError {
    switch state {
    case .closed(let reason): .lost(reason)
    case .unopened, .dialling, .negotiating, .settingUp, .open: .connectionLost("not open yet")
    }
  }

  /// Empties the full statement cache, at a moment when nothing under way refers to it.
  private func makeRoom(_ handle: ConnectionHandle) {
    guard cache.isFull, pending.isEmpty, PQtransactionStatus(handle.native) == PQTRANS_IDLE else { return }
    cache.removeAll()
    let deadline = MonotonicTime.now().advanced(by: options.statementTimeout)
    // Should it fail, the old statements only take up memory: their names are never used again.
    send([Statement("DEALLOCATE ALL")], Batch(deadline: deadline) { _ in }, handle, keep: false)
  }

  private func send(_ statements: [Statement], _ batch: Batch, _ handle: ConnectionHandle, keep: Bool = true) {
    lastBatch += 1
    pending.append(batch)
    let sent = statements.allSatisfy { send($0, batch, handle, keep: keep) }
    guard sent, PQpipelineSync(handle.native) == 1 else {
      // What was queued of the batch cannot be taken back.
      end(.connectionLost(handle.reason))
      return
    }
    watchDeadline(batch.deadline)
    flush(handle)
  }

  private func send(_ statement: Statement, _ batch: Batch, _ handle: ConnectionHandle, keep: Bool) -> Bool {
    let sql = statement.sql
    let native = handle.native
    switch keep ? cache.plan(sql, batch: lastBatch) : .sendWhole {
    case .prepare(let name):
      batch.sent(.prepare(sql))
      guard PQsendPrepare(native, name, sql, 0, nil) == 1 else { return false }
      return sendPrepared(statement, name, batch, native)
    case .usePrepared(let name):
      return sendPrepared(statement, name, batch, native)
    case .sendWhole:
      batch.sent(.execute(sql))
      return parameters.withPointers(for: statement.values) { count, pointers in
        PQsendQueryParams(native, sql, count, nil, pointers, nil, nil, 0) == 1
      }
    }
  }

  private func sendPrepared(_ statement: Statement, _ name: String, _ batch: Batch, _ native: OpaquePointer) -> Bool {
    batch.sent(.execute(statement.sql))
    return parameters.withPointers(for: statement.values) { count, pointers in
      PQsendQueryPrepared(native, name, count, pointers, nil, nil, 0) == 1
    }
  }

  // MARK: Transfer

  func transfer(_ handle: ConnectionHandle, _ readiness: Readiness) {
    if readiness.hasAny(of: .writable) { flush(handle) }
    var alive = true
    if readiness.hasAny(of: .readableOrHungUp) {
      alive = PQconsumeInput(handle.native) == 1
      if alive { lastHeard = MonotonicTime.now() }
    }
    // What came in before the end is still there to be read, and may be the answer that somebody waits for.
    takeAnswers(handle)
    if !alive { end(.connectionLost(handle.reason)) }
  }

  private func flush(_ handle: ConnectionHandle) {
    switch PQflush(handle.native) {
    case 0: watch(handle, for: .readable)
    case 1: watch(handle, for: [.readable, .writable])
    // The server may have said why before it closed; reading finds out.
    default: watch(handle, for: .readable)
    }
  }

  private func takeAnswers(_ handle: ConnectionHandle) {
    var nulls = 0
    while isServed(by: handle), let batch = pending.first, PQisBusy(handle.native) == 0 {
      guard let result = PQgetResult(handle.native) else {
        nulls += 1
        // One null ends a command's results; a second one means that libpq expects no answer where we do.
        if nulls > 1 { end(.connectionLost(handle.reason)) }
        continue
      }
      nulls = 0
      take(result, batch, handle)
    }
    while isServed(by: handle), let notification = PQnotifies(handle.native) {
      let channel = String(cString: notification.pointee.relname)
      let payload = String(cString: notification.pointee.extra)
      let backend = notification.pointee.be_pid
      PQfreemem(notification)
      onNotification?(channel, payload, backend)
    }
  }

  /// A completion may have ended this connection.
  private func isServed(by handle: ConnectionHandle) -> Bool { self.handle === handle }

  private func take(_ result: OpaquePointer, _ batch: Batch, _ handle: ConnectionHandle) {
    let status = PQresultStatus(result)
    if status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY {
      switch batch.nextCommand() {
      case .execute: batch.received(PostgresRows(owning: result))
      case .prepare(let sql):
        cache.confirmed(sql)
        PQclear(result)
      case nil:
        PQclear(result)
        end(.connectionLost("the server's answer is out of step"))
      }
      return
    }
    defer { PQclear(result) }
    switch status {
    case PGRES_PIPELINE_SYNC:
      _ = pending.popFirst()
      batch.finish()
    case PGRES_PIPELINE_ABORTED: failed(batch.nextCommand(), nil)
    case PGRES_FATAL_ERROR:
      guard let error = ServerError(result) else {
        end(.connectionLost(handle.lastWord ?? errorMessage(ofResult: result)))
        return
      }
      batch.received(error)
      failed(batch.nextCommand(), error)
    default: end(.connectionLost("COPY is not carried by this engine"))
    }
  }

  /// Keeps the statement cache true after a command that did not succeed.
  private func failed(_ command: Batch.Command?, _ error: ServerError?) {
    switch command {
    case .prepare(let sql): cache.forget(sql)
    case .execute(let sql):
      // 0A000: a table changed, "cached plan must not change result type"; 26000: somebody deallocated the statement.
      if error?.sqlState == "0A000" || error?.sqlState == "26000" { cache.forget(sql) }
    case nil: break
    }
  }

  // MARK: Time limits

  /// One timer for all batches: it is set for the earliest deadline and looks again when due, so that a call that is
  /// answered in time, as nearly all are, costs no timer.
  private func watchDeadline(_ deadline: MonotonicTime) {
    if let deadlineDue, deadlineDue <= deadline { return }
    deadlineTimer?.cancel()
    deadlineDue = deadline
    deadlineTimer = loop.schedule(after: deadline.since(.now())) { [weak self] in self?.checkDeadlines() }
  }

  private func checkDeadlines() {
    deadlineDue = nil
    var earliest: MonotonicTime?
    pending.forEach { earliest = min(earliest ?? $0.deadline, $0.deadline) }
    guard let earliest else { return }
    if earliest <= MonotonicTime.now() {
      end(.timedOut)
    } else {
      watchDeadline(earliest)
    }
  }
}
