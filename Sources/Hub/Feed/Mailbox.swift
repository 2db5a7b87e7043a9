// An ordered way from any thread to one loop: post here, and the loop's client takes everything in its next turn.
package import EventLoop
import Synchronization

package final class Mailbox<Message: Sendable>: Sendable {
  private let messages = Mutex<[Message]>([])
  private let loop: EventLoop

  package init(loop: EventLoop) { self.loop = loop }

  package func post(_ message: Message) {
    let wasEmpty = messages.withLock { waiting in
      waiting.append(message)
      return waiting.count == 1
    }
    if wasEmpty { loop.wakeUp() }
  }

  /// Takes what has been posted, oldest first.
  package func takeAll() -> [Message] {
    messages.withLock { waiting in
      let taken = waiting
      waiting = []
      return taken
    }
  }
}
