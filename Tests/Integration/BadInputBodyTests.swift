// Bodies of commands against the rules: what is no JSON, and known members of a wrong type, all reported, none stored.
import Foundation
import Testing
import TestSupport

@Suite struct BadInputBodyTests {
  @Test func `What is no JSON object is 400 invalid_json with the place, on every command`() throws {
    let bystander = try Bystander()
    let house = bystander.house
    let nested = { (depth: Int) in
      #"{"items":\#(String(repeating: "[", count: depth))\#(String(repeating: "]", count: depth))}"#
    }
    let bodies: [[UInt8]] =
      [
        "{", "[]", "null ,", "nul", "7", #""text""#, "{'a':1}", #"{"a":1,}"#, #"{"a":1}x"#, #"{"a":1,"a":2}"#,
        #"{"a":.5}"#, #"{"a":01}"#,
        #"{"a":1e}"#, #"{"a":Infinity}"#, #"{"a":"\ud83d"}"#, #"{"a":"\u12"}"#, "{\"a\":\"\u{0}\"}", "{\"a\":\"\n\"}",
        "\u{FEFF}{}",
        nested(64), nested(100_000), String(repeating: "{\"a\":", count: 100_000),
        #"{"a":"\#(String(repeating: "\\u", count: 1000))"}"#,
      ].map { Array($0.utf8) } + [
        [0xFF, 0xFE], Array("{\"a\":\"".utf8) + [0xC0, 0xAF] + Array("\"}".utf8),
        Array("{\"".utf8) + [0xED, 0xA0, 0x80],
      ]
    for body in bodies {
      let socket = try RawSocket(port: bystander.port)
      let name = "\(body.count) bytes: \(String(decoding: body.prefix(40), as: UTF8.self))"
      try socket.send(
        Array(
          "POST /api/v1/orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(house.manager)\r\nContent-Type: application/json\r\nContent-Length: \(body.count)\r\n\r\n"
            .utf8) + body)
      expectProblem(try socket.answer(), 400, "invalid_json", name)
      #expect(try socket.request("GET", "/health").status == 200, "\(name)")
      try bystander.expectUndisturbed(name)
    }
    for route in RestRoute.all where route.method != "GET" && route.method != "DELETE" {
      let path = route.path([
        "id": house.id, "product": house.burger, "order": UUID().uuidString, "ticket": UUID().uuidString,
      ])
      expectProblem(try house.call(route.method, path, "[1]", as: house.platform), 400, "invalid_json", "\(route)")
    }
  }

  /// A route of the house's own, a body, and every fault that must be named.
  private static let wrong: [(method: String, path: String, body: String, faults: Set<String>)] = [
    (
      "POST", "orders", #"{"order_type":7,"table":[],"note":{},"items":"two","customer_id":"me"}"#,
      [
        "order_type invalid_order_type", "table invalid_type", "note invalid_type", "items empty_order",
        "customer_id invalid_id",
      ]
    ),
    (
      "POST", "orders",
      #"{"order_type":"takeaway","items":[7,null,"x",{"product_id":5,"quantity":"2","modifiers":"none","note":1}]}"#,
      Set((0..<4).flatMap { ["items[\($0)].product_id product_not_found", "items[\($0)].quantity invalid_quantity"] })
        .union(["items[3].modifiers invalid_type", "items[3].note invalid_type"])
    ),
    ("POST", "orders", #"{"restaurant_id":7,"order_type":"takeaway","items":[{}]}"#, ["restaurant_id invalid_id"]),
    (
      "PATCH", "restaurants/{id}",
      #"{"name":7,"time_zone":[],"currency":1,"vat_rate":0.2,"vat_enabled":"yes","prices_include_vat":1,"service_rate":{},"service_enabled":null,"active":"no","version":"1"}"#,
      [
        "name invalid_type", "time_zone invalid_type", "currency invalid_type", "vat_rate invalid_type",
        "vat_enabled invalid_type",
        "prices_include_vat invalid_type", "service_rate invalid_type", "active invalid_type", "version invalid_number",
      ]
    ),
    (
      "PATCH", "restaurants/{id}",
      #"{"name":" ","time_zone":"Mars/Olympus Mons","currency":"XXX","vat_rate":"-1","service_rate":"1e3"}"#,
      [
        "name text_missing", "time_zone invalid_time_zone", "currency invalid_currency", "vat_rate invalid_rate",
        "service_rate invalid_rate",
      ]
    ),
    (
      "POST", "restaurants/{id}/stations", #"{"name":["Grill"],"position":1.5}"#,
      ["name invalid_type", "position invalid_number"]
    ),
    ("POST", "restaurants/{id}/stations", #"{"position":10000}"#, ["name text_missing", "position invalid_number"]),
    (
      "POST", "restaurants/{id}/categories", #"{"name":"a\u0000b","colour":"red","position":-1}"#,
      ["name invalid_text", "colour invalid_colour", "position invalid_number"]
    ),
    (
      "POST", "restaurants/{id}/products",
      #"{"name":null,"price":10,"category_id":7,"station_id":"grill","active":1,"available":"no","stock":-1}"#,
      [
        "name text_missing", "price invalid_type", "category_id invalid_id", "station_id invalid_id",
        "active invalid_type", "available invalid_type", "stock invalid_number",
      ]
    ),
    (
      "POST", "restaurants/{id}/products", #"{"name":"\#(String(repeating: "x", count: 101))","price":"1.001"}"#,
      ["name text_too_long", "price invalid_amount", "category_id required"]
    ),
    (
      "PATCH", "products/{product}", #"{"price":"-1.00","stock":1e99,"version":1e-9223372036854775808}"#,
      ["price invalid_amount", "stock invalid_number", "version invalid_number"]
    ),
    (
      "PATCH", "products/{product}", #"{"price":"92233720368547758.08","stock":"many"}"#,
      ["price invalid_amount", "stock invalid_number"]
    ),
    (
      "POST", "orders/{order}/cancel", #"{"reason":"\#(String(repeating: "x", count: 201))","version":0}"#,
      ["reason text_too_long", "version invalid_number"]
    ),
    ("POST", "tickets/{ticket}/bump", #"{"version":[1]}"#, ["version invalid_number"]),
    (
      "POST", "auth/login", #"{"email":{"$ne":null},"password":true}"#, ["email invalid_type", "password invalid_type"]
    ),
  ]

  @Test func `Known members of a wrong type are each named, and nothing is changed`() throws {
    let bystander = try Bystander()
    let house = bystander.house
    let order = try house.order([house.burger], then: ["confirm"])
    // Its own confirmation has moved the bystander's channel: a new one from here on.
    let watcher = try Bystander(at: house.shared)
    let names = [
      "id": house.id, "product": house.burger, "order": order["id"].string ?? "",
      "ticket": order["tickets"][0]["id"].string ?? "",
    ]
    func state() throws -> [String] {
      try [
        "restaurants/\(house.id)", "restaurants/\(house.id)/menu", "orders", "tickets",
        "channels/restaurant:\(house.id)",
      ]
      .map { try house.call("GET", $0).text }
    }
    let before = try state()
    for row in Self.wrong {
      let path = names.reduce(row.path) { $0.replacingOccurrences(of: "{\($1.key)}", with: $1.value) }
      let answer = try house.call(row.method, path, row.body)
      expectProblem(answer, 422, row.faults.count > 1 ? "validation_failed" : nil, "\(row.path) \(row.body)")
      #expect(Set(answer.faults) == row.faults, "\(row.path) \(row.body)")
      #expect(answer.document["errors"].array.allSatisfy { $0.names == ["field", "code", "detail"] })
      try watcher.expectUndisturbed(row.path)
    }
    #expect(try state() == before)
  }

  @Test func `Large bodies within the limit are judged, not choked on`() throws {
    let bystander = try Bystander()
    let house = bystander.house
    let line = #"{"product_id":"\#(house.burger)","quantity":1}"#
    for (name, body, code) in [
      (
        "200 lines and one",
        #"{"order_type":"takeaway","items":[\#(Array(repeating: line, count: 201).joined(separator: ","))]}"#,
        "too_many_items"
      ),
      (
        "10,000 lines",
        #"{"order_type":"takeaway","items":[\#(Array(repeating: line, count: 10_000).joined(separator: ","))]}"#,
        "too_many_items"
      ),
      (
        "a note of a megabyte",
        #"{"order_type":"takeaway","note":"\#(String(repeating: "é", count: 500_000))","items":[\#(line)]}"#,
        "text_too_long"
      ),
      (
        "100,000 unknown members", "{" + (0..<90_000).map { #""m\#($0)":1"# }.joined(separator: ",") + "}",
        "validation_failed"
      ),
      ("a mebibyte of spaces", "{" + String(repeating: " ", count: (1 << 20) - 2) + "}", "validation_failed"),
      (
        "a number of 100,000 digits",
        #"{"order_type":"takeaway","items":[{"product_id":"\#(house.burger)","quantity":\#(String(repeating: "9", count: 100_000))}]}"#,
        "invalid_quantity"
      ),
      (
        "quantities that overflow together",
        #"{"order_type":"takeaway","items":[\#(Array(repeating: line.replacingOccurrences(of: ":1}", with: ":9223372036854775807}"), count: 2).joined(separator: ","))]}"#,
        "validation_failed"
      ),
    ] {
      let began = Date()
      expectProblem(try house.call("POST", "orders", body), 422, code, name)
      #expect(Date().timeIntervalSince(began) < 10, "\(name)")
      try bystander.expectUndisturbed(name)
    }
  }

  @Test func `Texts keep every character that may be kept, and come back as they were`() throws {
    let house = try RestHouse(at: BadInputHub.shared)
    let note = "'; DROP TABLE app.order; -- \\\" {a,b} $1 %s <b>&amp; \u{202E}שלום 👩‍🍳\tx\ny"
    let data = try JSONSerialization.data(withJSONObject: [
      "order_type": "dine_in", "table": "1{,\"\\", "note": note,
      "items": [
        ["product_id": house.burger, "quantity": 1, "modifiers": ["{\"a\",NULL}", "\\", "NULL"], "note": "null"]
      ],
    ])
    let order = try house.call("POST", "orders", String(decoding: data, as: UTF8.self)).document
    #expect(order["note"].string == note && order["table"].string == "1{,\"\\")
    #expect(order["items"][0]["modifiers"].array.map(\.string) == ["{\"a\",NULL}", "\\", "NULL"])
    #expect(order["items"][0]["note"].string == "null")
    #expect(try house.call("POST", "orders/\(order["id"].string ?? "")/confirm").status == 200)
    let ticket = try house.call("GET", "tickets").document["items"][0]
    #expect("\(ticket["items"][0]["modifiers"])" == "\(order["items"][0]["modifiers"])")
  }
}
