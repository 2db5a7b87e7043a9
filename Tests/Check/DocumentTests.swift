// The checker's own JSON reader.
import Check
import Testing

@Suite struct DocumentTests {
  @Test func objectsAreEqualWhateverTheOrderOfTheirMembers() {
    #expect(Document(#"{"a":1,"b":[true,null,"x"]}"#) == Document(#" { "b" : [ true , null , "x" ] , "a" : 1 } "#))
    #expect(Document(#"{"a":1}"#) != Document(#"{"a":2}"#))
  }

  @Test func numbersAreEqualByValue() {
    #expect(Document("1.50") == Document("1.5"))
    #expect(Document("1e2") == Document("100"))
    #expect(Document("9007199254740993") != Document("9007199254740992"))
  }

  @Test func escapesAreRead() {
    #expect(Document(#""\u00e9\n\"\\\ud83c\udf55""#) == .text("é\n\"\\🍕"))
    #expect(Document(#""\ud83c""#) == nil)
  }

  @Test(arguments: ["", "{", "[1,]", "{\"a\":1,}", "{\"a\":1,\"a\":1}", "1 2", "tru", "\"\n\"", "+1", "--", "{1:2}"])
  func whatIsNoJSONIsNone(_ text: String) {
    #expect(Document(text) == nil)
  }

  @Test func whatIsQuotedReadsBack() {
    let text = "a \"b\" \\ \u{1} é 🍕"
    #expect(Document(quoted(text)) == .text(text))
  }
}
