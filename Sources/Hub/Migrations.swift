// The numbered SQL of Sources/Hub/SQL, embedded in the program so that a hub needs no file beside it. (The generated
// names have the first digit replaced.) A released file never changes: its checksum is stored with it.
package import Postgres

package enum Migrations {
  package static let all: [Migration] = [
    Migration(number: 1, name: "log", sql: PackageResources._001_log_sql),
    Migration(number: 2, name: "identity", sql: PackageResources._002_identity_sql),
    Migration(number: 3, name: "restaurants", sql: PackageResources._003_restaurants_sql),
    Migration(number: 4, name: "orders", sql: PackageResources._004_orders_sql),
    Migration(number: 5, name: "kitchen", sql: PackageResources._005_kitchen_sql),
    Migration(number: 6, name: "ramps", sql: PackageResources._006_ramps_sql),
    Migration(number: 7, name: "channels", sql: PackageResources._007_channels_sql),
    Migration(number: 8, name: "presence", sql: PackageResources._008_presence_sql),
    Migration(number: 9, name: "deadlines", sql: PackageResources._009_deadlines_sql),
    Migration(number: 10, name: "receipts", sql: PackageResources._010_receipts_sql),
    Migration(number: 11, name: "access", sql: PackageResources._011_access_sql),
    Migration(number: 12, name: "retention", sql: PackageResources._012_retention_sql),
    Migration(number: 13, name: "checksum", sql: PackageResources._013_checksum_sql),
  ]
}
