// Negotiating permessage-deflate, RFC 7692 §5 and §7.1: a row an offer and a row an answer.
import Testing

@testable import Protocol

@Suite("Negotiating permessage-deflate")
struct PermessageDeflateTests {
  typealias Policy = PermessageDeflate.Policy

  static let shared = Policy(serverKeepsContext: false, clientKeepsContext: false)
  static let takeover = Policy(serverKeepsContext: true, clientKeepsContext: true)

  /// What a server makes of the field; "declined" and "malformed" stand for no answer.
  static func outcome(_ offers: String, _ policy: Policy) -> Outcome {
    guard let members = WebSocketExtension.parseList(offers) else { return Outcome("malformed") }
    guard let (agreement, answer) = PermessageDeflate.accept(members, policy: policy) else { return declined }
    return Outcome(answer, agreement)
  }

  struct Outcome: Equatable {
    let answer: String
    let agreement: PermessageDeflate.Agreement?

    init(_ answer: String, _ agreement: PermessageDeflate.Agreement? = nil) {
      self.answer = answer
      self.agreement = agreement
    }
  }

  static let declined = Outcome("declined")

  static func agreement(
    _ server: UInt8, _ client: UInt8, serverKeeps: Bool = true, clientKeeps: Bool = true
  ) -> PermessageDeflate.Agreement {
    var agreement = PermessageDeflate.Agreement()
    (agreement.serverWindowBits, agreement.clientWindowBits) = (server, client)
    (agreement.serverKeepsContext, agreement.clientKeepsContext) = (serverKeeps, clientKeeps)
    return agreement
  }

  /// Offer, answer, what holds; under the policy that keeps contexts.
  static let offers: [(String, String, PermessageDeflate.Agreement)] = [
    ("", "", agreement(15, 15)),
    ("; client_max_window_bits", "", agreement(15, 15)),
    ("; client_max_window_bits=15", "", agreement(15, 15)),
    ("; client_max_window_bits=8", "; client_max_window_bits=8", agreement(15, 8)),
    ("; client_max_window_bits=\"10\"", "; client_max_window_bits=10", agreement(15, 10)),
    ("; server_max_window_bits=15", "; server_max_window_bits=15", agreement(15, 15)),
    ("; server_max_window_bits=9", "; server_max_window_bits=9", agreement(9, 15)),
    ("; server_no_context_takeover", "; server_no_context_takeover", agreement(15, 15, serverKeeps: false)),
    ("; client_no_context_takeover", "; client_no_context_takeover", agreement(15, 15, clientKeeps: false)),
    (
      "; client_max_window_bits=9; server_max_window_bits=12; client_no_context_takeover; server_no_context_takeover",
      "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12; client_max_window_bits=9",
      agreement(12, 9, serverKeeps: false, clientKeeps: false)
    ),
  ]

  @Test("RFC 7692 §7.1: offers that are accepted as they are", arguments: offers)
  func accepted(_ offer: String, _ answer: String, _ agreement: PermessageDeflate.Agreement) {
    #expect(
      Self.outcome("permessage-deflate" + offer, Self.takeover)
        == Outcome("permessage-deflate" + answer, agreement))
  }

  @Test("RFC 7692 §7.1.2: every size of both windows, as token and as quoted string", arguments: 8...15, 8...15)
  func windows(_ server: Int, _ client: Int) {
    for quote in ["", "\""] {
      let offer =
        "permessage-deflate; server_max_window_bits=\(quote)\(server)\(quote); client_max_window_bits=\(quote)\(client)\(quote)"
      let outcome = Self.outcome(offer, Self.takeover)
      if server == 8 {
        #expect(outcome == Self.declined)
        continue
      }
      let clientPart = client < 15 ? "; client_max_window_bits=\(client)" : ""
      #expect(
        outcome
          == Outcome(
            "permessage-deflate; server_max_window_bits=\(server)\(clientPart)",
            Self.agreement(UInt8(server), UInt8(client))))
    }
  }

  @Test("RFC 7692 §7.1.1: a server may refuse both contexts unasked")
  func sharedPolicy() {
    #expect(
      Self.outcome("permessage-deflate; client_max_window_bits", Self.shared)
        == Outcome(
          "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
          Self.agreement(15, 15, serverKeeps: false, clientKeeps: false)))
  }

  @Test("RFC 7692 §7.1.2: a server's own limits: its own window always, the client's where it offers to be limited")
  func limitedPolicy() {
    var policy = Self.takeover
    (policy.serverWindowBits, policy.clientWindowBits) = (11, 10)
    let rows: [(String, String, PermessageDeflate.Agreement)] = [
      ("", "; server_max_window_bits=11", Self.agreement(11, 15)),
      ("; client_max_window_bits", "; server_max_window_bits=11; client_max_window_bits=10", Self.agreement(11, 10)),
      ("; client_max_window_bits=9", "; server_max_window_bits=11; client_max_window_bits=9", Self.agreement(11, 9)),
      ("; server_max_window_bits=10", "; server_max_window_bits=10", Self.agreement(10, 15)),
      ("; server_max_window_bits=14", "; server_max_window_bits=11", Self.agreement(11, 15)),
    ]
    for (offer, answer, agreement) in rows {
      #expect(
        Self.outcome("permessage-deflate" + offer, policy)
          == Outcome("permessage-deflate" + answer, agreement), "\(offer)")
    }
  }

  /// What makes an offer one that is declined (RFC 7692 §7.1).
  static let faults: [String] =
    [
      "; unknown", "; server_no_context_takeover=1", "; client_no_context_takeover=true", "; server_max_window_bits",
      "; server_no_context_takeover; server_no_context_takeover", "; client_max_window_bits; client_max_window_bits=9",
      "; server_max_window_bits=9; server_max_window_bits=9",
      "; client_no_context_takeover; client_no_context_takeover",
      "; Server_No_Context_Takeover", "; server_max_window_bits=8",
    ]
    + ["7", "16", "08", "010", "0", "1", "-9", "+9", "9a", "0x9", "15.0", "99999999999999999999"].flatMap {
      ["; server_max_window_bits=\($0)", "; client_max_window_bits=\($0)"]
    }

  @Test("RFC 7692 §7.1: a faulty offer is declined, and the next one is tried", arguments: faults)
  func declined(_ fault: String) {
    let offer = "permessage-deflate" + fault
    #expect(Self.outcome(offer, Self.takeover) == Self.declined)
    for separator in [",", ", x-webkit-deflate-frame, "] {
      #expect(
        Self.outcome(offer + separator + "permessage-deflate", Self.takeover)
          == Outcome("permessage-deflate", Self.agreement(15, 15)))
    }
  }

  @Test("RFC 7692 §5.1: of several offers the first that can be kept")
  func several() {
    let offers =
      "permessage-deflate; server_max_window_bits=8, permessage-deflate; server_max_window_bits=10, permessage-deflate"
    #expect(
      Self.outcome(offers, Self.takeover)
        == Outcome("permessage-deflate; server_max_window_bits=10", Self.agreement(10, 15)))
    #expect(Self.outcome("permessage-bzip2, foo; bar", Self.takeover) == Self.declined)
    #expect(Self.outcome("permessage-deflate, ;", Self.takeover) == Outcome("malformed"))
  }

  /// The client's offer, the server's answer, what the client makes of it.
  static let answers: [(String, String, Result<PermessageDeflate.Agreement, PermessageDeflate.Refusal>)] = [
    ("", "permessage-deflate", .success(agreement(15, 15))),
    ("", "permessage-deflate; server_no_context_takeover", .success(agreement(15, 15, serverKeeps: false))),
    ("", "permessage-deflate; client_no_context_takeover", .success(agreement(15, 15, clientKeeps: false))),
    ("", "permessage-deflate; server_max_window_bits=8", .success(agreement(8, 15))),
    ("; client_no_context_takeover", "permessage-deflate", .success(agreement(15, 15, clientKeeps: false))),
    ("; client_max_window_bits", "permessage-deflate", .success(agreement(15, 15))),
    ("; client_max_window_bits", "permessage-deflate; client_max_window_bits=9", .success(agreement(15, 9))),
    ("; client_max_window_bits=12", "permessage-deflate", .success(agreement(15, 12))),
    ("; client_max_window_bits=12", "permessage-deflate; client_max_window_bits=10", .success(agreement(15, 10))),
    ("; server_max_window_bits=10", "permessage-deflate; server_max_window_bits=9", .success(agreement(9, 15))),
    (
      "; server_no_context_takeover", "permessage-deflate; server_no_context_takeover",
      .success(agreement(15, 15, serverKeeps: false))
    ),
    ("; server_no_context_takeover", "permessage-deflate", .failure(.unfitting)),
    ("; server_max_window_bits=10", "permessage-deflate", .failure(.unfitting)),
    ("; server_max_window_bits=10", "permessage-deflate; server_max_window_bits=11", .failure(.unfitting)),
    ("", "permessage-deflate; client_max_window_bits=15", .failure(.unfitting)),
    ("; client_max_window_bits", "permessage-deflate; client_max_window_bits", .failure(.unfitting)),
    ("; client_max_window_bits=9", "permessage-deflate; client_max_window_bits=10", .failure(.unfitting)),
    ("; client_max_window_bits", "permessage-deflate; client_max_window_bits=8", .failure(.unsupported)),
    ("", "permessage-deflate; server_no_context_takeover=1", .failure(.unfitting)),
    ("", "permessage-deflate; server_max_window_bits=16", .failure(.unfitting)),
    ("", "permessage-deflate; other", .failure(.unfitting)),
    ("", "permessage-deflate, permessage-deflate", .failure(.unknownExtension)),
    ("", "permessage-bzip2", .failure(.unknownExtension)),
    ("", "permessage-deflate;", .failure(.malformed)),
  ]

  @Test("RFC 7692 §7.1: a client checks the answer against its offer", arguments: answers)
  func checked(
    _ offer: String, _ answer: String, _ expected: Result<PermessageDeflate.Agreement, PermessageDeflate.Refusal>
  ) throws {
    let member = try #require(WebSocketExtension.parseList("permessage-deflate" + offer)?.first)
    let parameters = try #require(PermessageDeflate.Parameters(member.parameters, isAnswer: false))
    let result = Result { () throws(PermessageDeflate.Refusal) in
      try PermessageDeflate.check(answer, to: parameters)
    }
    #expect(result == expected)
    // What a client wants is written as it is read.
    #expect(
      WebSocketExtension.parseList(parameters.text)?.first.map {
        PermessageDeflate.Parameters($0.parameters, isAnswer: false)
      } == parameters)
  }

  @Test("Whatever a server of ours answers, a client of ours accepts with the same agreement", arguments: offers)
  func bothSides(_ offer: String, _: String, _: PermessageDeflate.Agreement) throws {
    let member = try #require(WebSocketExtension.parseList("permessage-deflate" + offer)?.first)
    let parameters = try #require(PermessageDeflate.Parameters(member.parameters, isAnswer: false))
    for policy in [Self.shared, Self.takeover] {
      let outcome = Self.outcome(parameters.text, policy)
      let (answer, agreement) = (outcome.answer, try #require(outcome.agreement))
      if agreement.clientWindowBits == 8 {
        #expect(throws: PermessageDeflate.Refusal.unsupported) { try PermessageDeflate.check(answer, to: parameters) }
      } else {
        #expect(try PermessageDeflate.check(answer, to: parameters) == agreement)
      }
    }
  }
}
