import Testing

@testable import Protocol

@Suite("JSON")
struct JSONTests {
  static let accepted: [(String, JSON)] = [
    ("null", nil), ("true", true), (" false ", false), ("0", 0), ("-1", -1), ("\"\"", ""), ("[]", []), ("{}", [:]),
    ("[ ]", []), ("{ }", [:]), ("\t\n\r [1 , 2]", [1, 2]), ("[[],[[]]]", [[], [[]]]),
    ("{\"a\":1,\"b\":[true,null]}", ["a": 1, "b": [true, nil]]), ("{ \"a\" : { \"b\" : 2 } }", ["a": ["b": 2]]),
    ("{\"\":0}", ["": 0]), ("\"a long string without any escape in it\"", "a long string without any escape in it"),
    (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"), (#""\u0041\u00e4\u20AC""#, "Aä€"), (#""\ud83c\udf5c""#, "🍜"),
    (#""\u0000""#, "\0"), (#""12345678\n12345678""#, "12345678\n12345678"), ("\"ä€🍜\"", "ä€🍜"),
    ("\"\u{7F}\"", "\u{7F}"),
    ("\"\u{2028}\"", "\u{2028}"), (#""\uFFFF""#, "\u{FFFF}"), ("{\"A\":1,\"a\":2}", ["A": 1, "a": 2]),
  ]

  @Test("RFC 8259: what is accepted", arguments: accepted)
  func accepts(_ source: String, _ expected: JSON) throws {
    #expect(try JSON.parse(Array(source.utf8)) == expected)
  }

  static let numbers: [(String, Int64?)] = [
    ("0", 0), ("-0", 0), ("9223372036854775807", .max), ("-9223372036854775808", .min), ("9223372036854775808", nil),
    ("1.0", 1), ("1.5", nil), ("15e-1", nil), ("10e-1", 1), ("1e3", 1000), ("1E+3", 1000),
    ("1e18", 1_000_000_000_000_000_000),
    ("1e19", nil), ("0e999999999999999999999", 0), ("1e999999999999999999999", nil), ("-1.20e1", -12), ("0.000", 0),
    ("1.00000000000000000000000", 1), ("1e-1", nil), ("1e-999999999999999999999", nil),
  ]

  @Test("RFC 8259 §6: numbers keep their text and read exactly", arguments: numbers)
  func number(_ source: String, _ expected: Int64?) throws {
    let value = try JSON.parse(Array(source.utf8))
    #expect(value.number?.text == source)
    #expect(value.int64 == expected)
    #expect(value.serialised() == Array(source.utf8))
    #expect(JSONNumber(source)?.text == source)
  }

  @Test(
    "decimal amounts scale exactly",
    arguments: [("26.50", 2, 2650), ("0.1", 2, 10), ("3", 2, 300), ("-1.25e1", 1, -125)])
  func scaled(_ source: String, _ digits: Int, _ expected: Int64) {
    #expect(JSONNumber(source)?.scaled(by: digits) == expected)
    #expect(JSONNumber("0.001")?.scaled(by: 2) == nil)
  }

  static let refused: [(String, Int)] = [
    ("", 0), (" ", 1), ("nul", 0), ("nulls", 4), ("True", 0), ("undefined", 0), ("NaN", 0), ("Infinity", 0), ("'a'", 0),
    ("[1,]", 3), ("[,1]", 1), ("[1 2]", 3), ("[1", 2), ("]", 0), ("{\"a\":1,}", 7), ("{a:1}", 1), ("{\"a\" 1}", 5),
    ("{\"a\":}", 5), ("{\"a\":1", 6), ("{1:2}", 1), ("{\"a\":1}}", 7), ("[] []", 3), ("01", 1), ("-", 1), ("+1", 0),
    (".5", 0),
    ("1.", 2), ("1.e1", 2), ("1e", 2), ("1e+", 3), ("-01", 2), ("0x1", 1), ("1_000", 1), ("\"", 1), ("\"abc", 4),
    ("\"a\nb\"", 2), ("\"\t\"", 1), ("\"\0\"", 1), (#""\x""#, 2), (#""\u12""#, 5), (#""\u12g4""#, 5), (#""\"#, 2),
    (#""\ud800""#, 1), (#""\udc00""#, 1), (#""\ud800\u0041""#, 1), (#""\ud800x""#, 1), (#""\ud83c\ud83c""#, 1),
    ("{\"a\":1,\"a\":2}", 7), (#"{"a":1,"\u0061":2}"#, 7), ("// x\n1", 0), ("1 /* x */", 2), ("\u{FEFF}1", 0),
    ("\u{A0}1", 0), ("\0", 0),
  ]

  @Test("RFC 8259: what is refused, and where", arguments: refused)
  func refuses(_ source: String, _ offset: Int) {
    do {
      let value = try JSON.parse(Array(source.utf8))
      Issue.record("accepted as \(value)")
    } catch {
      #expect(error.offset == offset, "\(error.reason)")
    }
  }

  @Test(
    "RFC 8259 §8.1: bytes that are not UTF-8 are refused",
    arguments: ["22FF22", "22C322", "22EDA08022", "22C08022", "22F490808022", "225C6E80 22", "5B22 80 225D"])
  func notUTF8(_ bytes: String) {
    #expect(throws: JSONError.self) { try JSON.parse(hex(bytes)) }
  }

  @Test("RFC 8259 §9: 64 levels are accepted, 65 are not", arguments: ["[", "{\"a\":"])
  func depth(_ open: String) throws {
    let close = open == "[" ? "]" : "}"
    func nested(_ levels: Int) -> [UInt8] {
      let inner = open == "[" ? "" : "0"
      return Array((String(repeating: open, count: levels) + inner + String(repeating: close, count: levels)).utf8)
    }
    _ = try JSON.parse(nested(64))
    #expect(throws: JSONError.self) { try JSON.parse(nested(65)) }
    #expect(throws: JSONError.self) { try JSON.parse(Array(String(repeating: open, count: 100_000).utf8)) }
  }

  @Test("RFC 8259 §4: a repeated name is found among many members too")
  func manyMembers() throws {
    let members = (0..<100).map { "\"m\($0)\":\($0)" }
    let object = try JSON.parse(Array("{\(members.joined(separator: ","))}".utf8))
    #expect(object.object?.count == 100)
    #expect(object["m57"]?.int64 == 57)
    for repeated in ["m3", "m40", "m99"] {
      #expect(throws: JSONError.self) {
        try JSON.parse(Array("{\(members.joined(separator: ",")),\"\(repeated)\":0}".utf8))
      }
    }
  }

  @Test("RFC 8259 §2: every prefix of a document is refused without a trap")
  func prefixes() {
    let source = Array(#"{"a":[1,-2.5e+10,"x\u00e4\ud83c\udf5c\n",true,false,null],"b":{"c":""}}"#.utf8)
    for count in 0..<source.count {
      #expect(throws: JSONError.self) { try JSON.parse(Array(source.prefix(count))) }
    }
    for index in source.indices {
      for byte in [0x00, 0x22, 0x5C, 0x7B, 0xFF] as [UInt8] {
        var changed = source
        changed[index] = byte
        _ = try? JSON.parse(changed)
      }
    }
  }

  static let written: [(JSON, String)] = [
    (nil, "null"), ([true, false], "[true,false]"), (["a": 1, "b": [:]], #"{"a":1,"b":{}}"#),
    ("\"\\/\u{8}\u{C}\n\r\t\u{0}\u{1F}\u{7F}ä🍜", #""\"\\/\b\f\n\r\t\u0000\u001f"# + "\u{7F}ä🍜\""), ([], "[]"),
  ]

  @Test("RFC 8259 §7: values are written in their shortest form", arguments: written)
  func writes(_ value: JSON, _ expected: String) {
    #expect(text(value.serialised()) == expected)
  }

  @Test("members are read, replaced, added and removed in place")
  func members() {
    var object = JSONObject([JSONMember("a", 1), JSONMember("b", 2)])
    object["a"] = "x"
    object["c"] = nil
    object["d"] = true
    object["b"] = nil as JSON?
    #expect(text(JSON.object(object).serialised()) == #"{"a":"x","d":true}"#)
    #expect(JSON.object(object)["d"]?.bool == true)
    #expect(JSON.array([1])[0]?.int64 == 1)
    #expect(JSON.array([1])[1] == nil)
    #expect(JSON.string("x")["a"] == nil)
  }
}
