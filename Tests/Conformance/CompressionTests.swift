// permessage-deflate (RFC 7692) on live connections: what is negotiated, then messages to and fro, each compressed by a
// zlib of the client's own with exactly the windows that were agreed.
import TestSupport
import Testing

@Suite struct CompressionTests {
  @Test("RFC 7692 §7.2: payloads", arguments: CompressionCase.payloads)
  func payloads(_ compressionCase: CompressionCase) throws { try play(compressionCase, on: .takeover) }

  @Test("RFC 7692 §7.1: parameters", arguments: CompressionCase.parameters, [EchoHub.Compression.takeover, .shared])
  func parameters(_ compressionCase: CompressionCase, _ setting: EchoHub.Compression) throws {
    try play(compressionCase, on: setting)
  }

  @Test func theHubForgetsAfterEachMessageWhereStreamsAreShared() throws {
    for (setting, forgets) in [(EchoHub.Compression.shared, true), (.takeover, false)] {
      let peer = try RawPeer(port: EchoHub.port(setting), extensions: DeflateParameters().offer)
      #expect(try DeflateParameters(answer: peer.extensions ?? "").serverForgets == forgets, "\(setting)")
    }
  }

  @Test func nothingIsAgreedWithoutAnOfferThatHolds() throws {
    let offers = [
      "permessage-deflate; server_max_window_bits=7", "permessage-deflate; unknown", "x-webkit-deflate-frame",
    ]
    for offer in offers { #expect(try RawPeer(port: EchoHub.port(), extensions: offer).extensions == nil, "\(offer)") }
    #expect(try RawPeer(port: EchoHub.port()).extensions == nil)
  }

  /// The table is whole: as many cases as the suite has in its groups 12 and 13.
  @Test func thereAre216Cases() {
    #expect(Set((CompressionCase.payloads + CompressionCase.parameters).map(\.number)).count == 216)
  }

  private func play(_ compressionCase: CompressionCase, on setting: EchoHub.Compression) throws {
    do {
      let offers = compressionCase.offers.map(\.offer).joined(separator: ", ")
      let peer = try RawPeer(port: EchoHub.port(setting), extensions: offers)
      guard let answer = peer.extensions else { throw SupportError("no compression was agreed") }
      let agreed = try DeflateParameters(answer: answer)
      guard compressionCase.offers.contains(where: agreed.fulfils) else { throw SupportError("not offered: \(answer)") }
      try exchange(compressionCase, agreed, peer)
    } catch {
      throw SupportError("case \(compressionCase.number), \(setting): \(error)")
    }
  }

  private func exchange(_ compressionCase: CompressionCase, _ agreed: DeflateParameters, _ peer: RawPeer) throws {
    let outward = try RawZlib(
      deflating: true, windowBits: agreed.clientWindowBits ?? 15, keepsContext: !agreed.clientForgets)
    let inward = try RawZlib(
      deflating: false, windowBits: agreed.serverWindowBits ?? 15, keepsContext: !agreed.serverForgets)
    var (sent, received) = (0, 0)
    peer.inflate = { bytes in
      let message = try inward.message(bytes)
      received += bytes.count
      return message
    }
    let payload = compressionCase.payload
    for number in 0..<compressionCase.messageCount {
      let message = payload.message(number, byteCount: compressionCase.messageBytes)
      sent += message.count
      let deflated = try outward.message(message)
      let size = compressionCase.fragmentBytes == 0 ? deflated.count : compressionCase.fragmentBytes
      for frame in Frames.fragments(payload.opcode, deflated, size: size, reserved: 4) { try peer.send(frame) }
      try peer.expect(payload.opcode == 1 ? .text(message) : .binary(message), "message \(number + 1)")
    }
    if compressionCase.messageBytes >= 1024, payload != .noise {
      guard (1..<(sent * 3 / 4)).contains(received) else { throw SupportError("\(sent) bytes came as \(received)") }
    }
    try peer.play([.write(Frames.close(1000)), .expectClose([1000])])
  }
}
