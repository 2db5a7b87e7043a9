// Channel names as wire.md §1 lists them, and everything that only looks like one.
import Channels
import Testing

@Suite struct ChannelNameTests {
  private static let uuid = "01900000-0000-7000-8000-00000000000a"

  @Test(arguments: [
    ("restaurant:\(uuid)", ChannelKind.restaurant, uuid), ("kitchen:\(uuid)", .kitchen, uuid),
    ("pos:\(uuid)", .pos, uuid), ("payments:\(uuid)", .payments, uuid), ("ramp:\(uuid)", .ramp, uuid),
    ("account:0", .account, "0"), ("account:42", .account, "42"), ("account:-1", .account, "-1"),
    ("account:9223372036854775807", .account, "9223372036854775807"), ("platform", .platform, ""),
  ])
  func aNameIsReadAndWrittenBack(_ text: String, _ kind: ChannelKind, _ id: String) throws {
    let name = try #require(ChannelName(text))
    #expect(name.kind == kind && name.id == id && name.description == text)
  }

  @Test func aUUIDInCapitalsNamesTheSameChannel() throws {
    let name = try #require(ChannelName("kitchen:01900000-0000-7000-8000-00000000000A"))
    #expect(name == ChannelName("kitchen:\(Self.uuid)"))
    #expect(name.description == "kitchen:\(Self.uuid)")
  }

  @Test(arguments: [
    "", ":", "kitchen", "kitchen:", ":\(uuid)", "Kitchen:\(uuid)", "bar:\(uuid)", " kitchen:\(uuid)",
    "kitchen: \(uuid)",
    "kitchen:\(uuid) ", "kitchen:\(uuid):", "kitchen:\(uuid)0", "kitchen:0190000000007000800000000000000a",
    "kitchen:01900000-0000-7000-8000-00000000000g", "kitchen:01900000_0000_7000_8000_00000000000a",
    "kitchen:{\(uuid)}", "kitchen:42", "kitchen:０1900000-0000-7000-8000-00000000", "account:", "account:+1",
    "account:01",
    "account:-0", "account:1.0", "account: 1", "account:9223372036854775808", "account:\(uuid)", "platform:",
    "platform:1",
  ])
  func whatIsNoNameIsRefused(_ text: String) {
    #expect(ChannelName(text) == nil)
  }

  @Test(arguments: ChannelKind.allCases)
  func anIdIsNeededExactlyWhereTheKindHasOne(_ kind: ChannelKind) {
    #expect((ChannelName(kind, nil) != nil) == (kind.identifierForm == .none))
    #expect((ChannelName(kind, Self.uuid) != nil) == (kind.identifierForm == .uuid))
    #expect((ChannelName(kind, "7") != nil) == (kind.identifierForm == .integer))
  }
}
