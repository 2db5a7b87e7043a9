// How many connections there may be, in all and from one network, counted for the whole process: the reactors share it.
// It only counts; what a refused peer is told is Reactor+Admission's business.
import EventLoop
import Glibc
import Synchronization

package final class Admission: Sendable {
  /// What a connection is counted under; nil for one that counts only towards all: Unix sockets, and loopback unless
  /// it was asked for, since a proxy on this machine has everybody behind one address.
  struct Place: Equatable, Sendable {
    fileprivate let network: PeerNetwork?
  }

  private struct Counts {
    var all = 0
    var byNetwork: [PeerNetwork: Int] = [:]
  }

  private let counts = Mutex(Counts())
  private let limits: ServerLimits

  package init(_ limits: ServerLimits) { self.limits = limits }

  /// A place for a connection from `peer`; nil when there is none. Whoever got one gives it back with `leave`.
  func enter(from peer: PeerNetwork?) -> Place? {
    let counted = peer.flatMap { $0.isLoopback && !limits.countsLoopback ? nil : $0 }
    return counts.withLock { counts in
      guard counts.all < limits.connections else { return nil }
      if let counted {
        let before = counts.byNetwork[counted] ?? 0
        guard before < limits.connectionsPerAddress else { return nil }
        counts.byNetwork[counted] = before + 1
      }
      counts.all += 1
      return Place(network: counted)
    }
  }

  func leave(_ place: Place) {
    counts.withLock { counts in
      counts.all -= 1
      guard let network = place.network, let before = counts.byNetwork[network] else { return }
      counts.byNetwork[network] = before > 1 ? before - 1 : nil
    }
  }
}

extension ServerLimits {
  /// How many connections `descriptors` leave room for, when each reactor keeps `kept` of its own. What remains is for
  /// files, a Postgres that is dialled again, and peers that are told that there is no place.
  static func connections(descriptors: Int, reactors: Int, kept: Int) -> Int {
    max(16, descriptors - 64 - reactors * kept)
  }
}
