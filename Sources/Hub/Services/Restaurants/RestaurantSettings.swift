// What people may set of a restaurant, as read from the body of POST and PATCH. A member that is left out is nil and
// stays as it is, or takes its standard value in a new restaurant.
import Domain
import Protocol

struct RestaurantSettings {
  let name: String?
  let timeZone: String?
  let currency: Currency?
  let vatRate: Rate?
  let vatEnabled: Bool?
  let pricesIncludeVAT: Bool?
  let serviceRate: Rate?
  let serviceEnabled: Bool?
  /// How long a ticket may go unseen and a station without a screen; 0 for no alarms.
  let unseenSeconds: Int64?
  let active: Bool?

  init(_ fields: inout Fields, isNew: Bool) {
    name = fields.name("name", required: isNew)
    timeZone = fields.text("time_zone")
    if let timeZone {
      if !RestaurantSettings.isZoneName(timeZone) {
        fields.refuse("time_zone", "invalid_time_zone", "A zone of the IANA database is needed, such as Europe/London.")
      }
    } else if isNew, !fields.faults.contains(where: { $0.field == "time_zone" }) {
      fields.refuse("time_zone", FaultCode.textMissing.rawValue, "A text is needed.")
    }
    let code = fields.text("currency")
    currency = code.flatMap { Currency(code: $0) }
    if currency == nil, code != nil || isNew {
      fields.refuse("currency", "invalid_currency", "A currency code of ISO 4217 is needed, such as GBP.")
    }
    vatRate = fields.rate("vat_rate")
    vatEnabled = fields.boolean("vat_enabled")
    pricesIncludeVAT = fields.boolean("prices_include_vat")
    serviceRate = fields.rate("service_rate")
    serviceEnabled = fields.boolean("service_enabled")
    unseenSeconds = fields.integer("unseen_seconds", in: 0...600)
    active = fields.boolean("active")
  }

  /// Whether it is shaped like a zone's name. Postgres, which has the zones, says whether there is one; alone it would
  /// also take abbreviations and its own notation of offsets.
  private static func isZoneName(_ text: String) -> Bool {
    guard text.utf8.count <= 64 else { return false }
    return text == "UTC"
      || text.split(separator: "/", omittingEmptySubsequences: false).count > 1
        && text.utf8.allSatisfy { byte in
          switch byte {
          case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
          default: "/_+-".utf8.contains(byte)
          }
        }
  }
}
