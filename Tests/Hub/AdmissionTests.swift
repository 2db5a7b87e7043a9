// How many connections there may be, and what counts as one place.
import EventLoop
import Testing

@testable import Hub

@Suite struct AdmissionTests {
  private func limits(_ connections: Int, _ perAddress: Int, countsLoopback: Bool = false) -> ServerLimits {
    var limits = ServerLimits()
    limits.connections = connections
    limits.connectionsPerAddress = perAddress
    limits.countsLoopback = countsLoopback
    return limits
  }

  private let one = PeerNetwork(internet4: 0xC000_0201)
  private let other = PeerNetwork(internet4: 0xC000_0202)
  private let loopback = PeerNetwork(internet4: 0x7F00_0001)

  @Test func placesAreBoundInAllAndComeBackWhenTheyAreLeft() throws {
    let admission = Admission(limits(2, 10))
    let first = try #require(admission.enter(from: one))
    #expect(admission.enter(from: nil) != nil)
    #expect(admission.enter(from: other) == nil)
    admission.leave(first)
    #expect(admission.enter(from: other) != nil)
    #expect(admission.enter(from: other) == nil)
  }

  @Test func oneAddressTakesItsShareAndNobodyElses() throws {
    let admission = Admission(limits(10, 2))
    let first = try #require(admission.enter(from: one))
    #expect(admission.enter(from: one) != nil)
    #expect(admission.enter(from: one) == nil)
    #expect(admission.enter(from: other) != nil)
    admission.leave(first)
    #expect(admission.enter(from: one) != nil)
    #expect(admission.enter(from: one) == nil)
  }

  @Test(arguments: [false, true]) func loopbackCountsOnlyWhenAskedFor(_ counts: Bool) {
    let admission = Admission(limits(10, 1, countsLoopback: counts))
    #expect(admission.enter(from: loopback) != nil)
    #expect((admission.enter(from: loopback) == nil) == counts)
    // A Unix socket has no address.
    #expect(admission.enter(from: nil) != nil)
    #expect(admission.enter(from: nil) != nil)
  }

  @Test func aRefusalTakesNoPlace() throws {
    let admission = Admission(limits(3, 1))
    let first = try #require(admission.enter(from: one))
    for _ in 0..<5 { #expect(admission.enter(from: one) == nil) }
    #expect(admission.enter(from: other) != nil)
    #expect(admission.enter(from: nil) != nil)
    admission.leave(first)
    #expect(admission.enter(from: one) != nil)
  }

  @Test(arguments: [(1_048_576, 2, 1_048_488), (20_000, 2, 19_912), (100, 1, 24), (50, 4, 16)])
  func descriptorsLeaveRoomForWhatIsNoConnection(_ descriptors: Int, _ reactors: Int, _ connections: Int) {
    #expect(ServerLimits.connections(descriptors: descriptors, reactors: reactors, kept: 12) == connections)
  }
}

@Suite struct PeerNetworkTests {
  private func internet6(_ groups: UInt16...) -> PeerNetwork {
    PeerNetwork(internet6: groups.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] })
  }

  @Test func anIPv6NetworkOf64BitsIsOnePlace() {
    #expect(internet6(0x2001, 0xDB8, 0, 1, 0, 0, 0, 1) == internet6(0x2001, 0xDB8, 0, 1, 9, 9, 9, 9))
    #expect(internet6(0x2001, 0xDB8, 0, 1, 0, 0, 0, 1) != internet6(0x2001, 0xDB8, 0, 2, 0, 0, 0, 1))
  }

  @Test func aMappedIPv4AddressIsThatAddress() {
    #expect(internet6(0, 0, 0, 0, 0, 0xFFFF, 0xC000, 0x0201) == PeerNetwork(internet4: 0xC000_0201))
    #expect(internet6(0, 0, 0, 0, 0, 0xFFFF, 0xC000, 0x0201) != PeerNetwork(internet4: 0xC000_0202))
  }

  @Test func loopbackIsKnown() {
    #expect(internet6(0, 0, 0, 0, 0, 0, 0, 1).isLoopback)
    #expect(internet6(0, 0, 0, 0, 0, 0xFFFF, 0x7F00, 1).isLoopback)
    #expect(PeerNetwork(internet4: 0x7FFF_FFFF).isLoopback)
    #expect(!internet6(0, 0, 0, 0, 0, 0, 0, 2).isLoopback)
    #expect(!PeerNetwork(internet4: 0x8000_0001).isLoopback)
  }
}
