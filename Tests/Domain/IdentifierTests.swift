// Ids as values: RFC 9562's own example, strict text, order by time.
import Domain
import Testing

struct IdentifierTests {
  // RFC 9562 §A.6: version 7, Unix time 0x017F22E279B0, rand_a 0xCC3, rand_b 0x18C4DC0C0C07398F.
  static let example = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"

  @Test func `RFC 9562 A.6, the example of version 7 comes out of its parts`() {
    let random: (UInt64, UInt64) = (0xFFFF_FFFF_FFFF_FCC3, 0x18C4_DC0C_0C07_398F)
    let id = Identifier.version7(milliseconds: 0x017F_22E2_79B0, random: random)
    #expect(id.description == IdentifierTests.example)
    var text = Array("id ".utf8)
    id.append(to: &text)
    #expect(String(decoding: text, as: UTF8.self) == "id \(IdentifierTests.example)")
    #expect(id.version == 7)
    #expect(id.bytes[8] >> 6 == 0b10)
  }

  @Test func `Version and variant stand whatever the random bytes are`() {
    for word: UInt64 in [0, .max, 0x5555_5555_5555_5555, 0xAAAA_AAAA_AAAA_AAAA] {
      let id = Identifier.version7(milliseconds: .max, random: (word, word))
      #expect(id.version == 7)
      #expect(id.bytes[8] >> 6 == 0b10)
    }
  }

  @Test func `A later id sorts after an earlier one`() {
    let early = Identifier.version7(milliseconds: 1_000, random: (.max, .max))
    let late = Identifier.version7(milliseconds: 1_001, random: (0, 0))
    #expect(early < late)
    #expect(early.description < late.description)
  }

  @Test func `Either case is read and lower case is printed`() throws {
    let id = try #require(Identifier(IdentifierTests.example.uppercased()))
    #expect(id.description == IdentifierTests.example)
    #expect(id == Identifier(IdentifierTests.example))
  }

  @Test func `Bytes and text name the same id`() throws {
    let id = try #require(Identifier(IdentifierTests.example))
    #expect(Identifier(bytes: id.bytes) == id)
    #expect(Identifier(IdentifierTests.example[...]) == id)
    #expect(Identifier(bytes: id.bytes.dropLast()) == nil)
    #expect(Identifier(bytes: id.bytes + [0]) == nil)
  }

  @Test(arguments: [
    "", "017f22e2", "017f22e279b07cc398c4dc0c0c07398f", "{017f22e2-79b0-7cc3-98c4-dc0c0c07398f}",
    "017f22e2-79b0-7cc3-98c4-dc0c0c07398", "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0",
    "017f22e2-79b0-7cc3-98c4-dc0c0c07398g", " 017f22e2-79b0-7cc3-98c4-dc0c0c07398f",
    "017f22e2-79b07-cc3-98c4-dc0c0c07398f", "017f22e2_79b0_7cc3_98c4_dc0c0c07398f",
    "017f22e2-79b0-7cc3-98c4-dc0c0c0739８f", "urn:uuid:017f22e2-79b0-7cc3-98c4-dc0c0c07398f",
  ])
  func `Any other spelling is refused`(text: String) {
    #expect(Identifier(text) == nil)
  }
}
