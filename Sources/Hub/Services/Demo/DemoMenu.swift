// What the demo restaurant sells: 24 products in 5 categories, made at 4 stations, priced in pence. Nothing is counted,
// so that an evening played against it never runs out.

struct DemoCategory {
  let name: String
  let colour: String
  let products: [(name: String, price: Int64, station: DemoMenu.Station)]
}

enum DemoMenu {
  enum Station: String, CaseIterable {
    case grill = "Grill", cold = "Cold", fryer = "Fryer", bar = "Bar"
  }

  static let stations = Station.allCases

  static let categories = [
    DemoCategory(
      name: "Starters", colour: "#2e7d32",
      products: [
        ("Burrata and heritage tomatoes", 950, .cold), ("Salt and pepper squid", 875, .fryer),
        ("Chicken liver parfait", 800, .cold), ("Grilled padrón peppers", 625, .grill),
        ("Halloumi fries", 725, .fryer),
      ]),
    DemoCategory(
      name: "Mains", colour: "#c62828",
      products: [
        ("Ribeye steak 10oz", 2650, .grill), ("Bistro burger", 1550, .grill), ("Chicken milanese", 1625, .fryer),
        ("Beer-battered haddock", 1575, .fryer), ("Grilled sea bass", 1950, .grill),
        ("Mushroom and tarragon risotto", 1425, .grill), ("Caesar salad", 1250, .cold),
      ]),
    DemoCategory(
      name: "Sides", colour: "#ef6c00",
      products: [
        ("Skin-on fries", 450, .fryer), ("Onion rings", 475, .fryer), ("Tenderstem broccoli", 495, .grill),
        ("Green salad", 425, .cold),
      ]),
    DemoCategory(
      name: "Desserts", colour: "#6a1b9a",
      products: [
        ("Chocolate fondant", 795, .grill), ("Lemon posset", 695, .cold), ("Affogato", 575, .bar),
        ("Churros with dulce de leche", 725, .fryer),
      ]),
    DemoCategory(
      name: "Drinks", colour: "#1565c0",
      products: [
        ("Draught lager, pint", 595, .bar), ("House red, 175 ml", 725, .bar), ("Elderflower pressé", 375, .bar),
        ("Flat white", 325, .bar),
      ]),
  ]
}
