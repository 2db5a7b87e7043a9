// Where a check plays: restaurants of its own, opened over the API for the purpose and suspended afterwards, so that no
// real screen sees its orders. In a restaurant that was named it places none and publishes only events that screens
// ignore.

struct Scene: Sendable {
  let restaurant: String
  /// What may be ordered; none in a restaurant that is not the check's own.
  let products: [String]
  /// A product that goes out and comes back.
  let seasonal: String

  var channels: [String] { ["kitchen", "pos", "restaurant", "payments"].map { "\($0):\(restaurant)" } }

  /// The role of whoever listens to the channel.
  static func role(for channel: String) -> String {
    switch channel.prefix(while: { $0 != ":" }) {
    case "kitchen": "kitchen"
    case "restaurant": "manager"
    default: "till"
    }
  }

  /// A restaurant that is there already.
  init(named restaurant: String) {
    self.restaurant = restaurant
    products = []
    seasonal = ""
  }

  /// Opens one with two stations and what they make.
  init(opening number: Int, run: String, through link: Link, token: String) throws {
    func create(_ path: String, _ body: String) throws -> String {
      let answer = try link.request("POST", path, token: token, body: body)
      guard answer.status == 201, let id = answer.body["id"]?.text else {
        throw CheckError("POST \(path): \(answer.status) \(answer.body["detail"]?.text ?? "")")
      }
      return id
    }
    let made = try create(
      "/api/v1/restaurants", #"{"name":"hub check \#(run) \#(number)","time_zone":"Europe/London","currency":"GBP"}"#)
    restaurant = made
    let path = "/api/v1/restaurants/\(made)"
    let category = try create("\(path)/categories", #"{"name":"Mains"}"#)
    func dish(_ name: String, _ station: String) throws -> String {
      try create(
        "\(path)/products",
        #"{"name":"\#(name)","price":"9.50","category_id":"\#(category)","station_id":"\#(station)"}"#)
    }
    let grill = try create("\(path)/stations", #"{"name":"Grill"}"#)
    let cold = try create("\(path)/stations", #"{"name":"Cold"}"#)
    products = [
      try dish("Steak", grill), try dish("Chops", grill), try dish("Salad", cold), try dish("Terrine", cold),
    ]
    seasonal = try dish("Oysters", cold)
  }
}
