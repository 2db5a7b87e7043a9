// Which events a restaurant has and who hears them. Its name and settings are part of the snapshot of each of its
// channels, so each hears of a change; the platform hears of restaurants opened, closed and renamed.
import Domain
import Postgres

enum RestaurantsEvents {
  static func opened(_ restaurant: Identifier) -> Statement {
    RestaurantsQueries.publish("restaurant.opened", of: restaurant, to: ["platform", "restaurant:\(restaurant)"])
  }

  /// Not for one that was suspended or resumed: that is told where the row changes (0011-access.sql).
  static func changed(_ restaurant: Identifier) -> Statement {
    let kinds = ["kitchen", "payments", "pos", "restaurant"]
    return RestaurantsQueries.publish(
      "restaurant.updated", of: restaurant, to: ["platform"] + kinds.map { "\($0):\(restaurant)" })
  }

  static func stationAdded(_ station: Identifier, in restaurant: Identifier) -> Statement {
    RestaurantsQueries.publishStation(
      "station.created", of: station, to: ["kitchen:\(restaurant)", "restaurant:\(restaurant)"])
  }
}
