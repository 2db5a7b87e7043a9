-- Restaurants and what they sell.
--
-- 1. Money is bigint minor units with the restaurant's currency; it becomes a decimal string only in documents.
-- 2. Keys that cross tables carry the restaurant's id, so a row of one restaurant cannot point into another.
-- 3. A product is out ("86") when a person marked it so or its counted stock is gone; `available` is computed here and
--    nowhere else.
-- 4. Documents are made by PL/pgSQL functions: their plans are kept by the connection, where an SQL function that
--    cannot be inlined would plan again in every statement.
CREATE TABLE app.restaurant (
  id uuid PRIMARY KEY,
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
  time_zone text COLLATE "C" NOT NULL,
  currency text COLLATE "C" NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  vat_rate numeric(5, 4) NOT NULL DEFAULT 0.2 CHECK (vat_rate >= 0),
  vat_enabled boolean NOT NULL DEFAULT true,
  prices_include_vat boolean NOT NULL DEFAULT false,
  service_rate numeric(5, 4) NOT NULL DEFAULT 0.125 CHECK (service_rate >= 0),
  service_enabled boolean NOT NULL DEFAULT true,
  -- How old a ticket is when a kitchen screen turns it amber and red.
  amber_seconds integer NOT NULL DEFAULT 900 CHECK (amber_seconds > 0),
  red_seconds integer NOT NULL DEFAULT 1200 CHECK (red_seconds >= amber_seconds),
  active boolean NOT NULL DEFAULT true,
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now()
);

ALTER TABLE app.membership ADD FOREIGN KEY (restaurant_id) REFERENCES app.restaurant;
ALTER TABLE app.device ADD FOREIGN KEY (restaurant_id) REFERENCES app.restaurant;

CREATE TABLE app.station (
  id uuid PRIMARY KEY,
  restaurant_id uuid NOT NULL REFERENCES app.restaurant,
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
  position integer NOT NULL CHECK (position >= 0),
  UNIQUE (restaurant_id, id),
  UNIQUE (restaurant_id, name)
);

CREATE TABLE app.category (
  id uuid PRIMARY KEY,
  restaurant_id uuid NOT NULL REFERENCES app.restaurant,
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
  colour text COLLATE "C" CHECK (colour ~ '^#[0-9a-f]{6}$'),
  position integer NOT NULL CHECK (position >= 0),
  UNIQUE (restaurant_id, id),
  UNIQUE (restaurant_id, name)
);

CREATE TABLE app.product (
  id uuid PRIMARY KEY,
  restaurant_id uuid NOT NULL REFERENCES app.restaurant,
  category_id uuid NOT NULL,
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
  price bigint NOT NULL CHECK (price >= 0),
  -- Where it is made; null for what needs no kitchen.
  station_id uuid,
  active boolean NOT NULL DEFAULT true,
  -- A person said that it is out.
  marked_out boolean NOT NULL DEFAULT false,
  -- What is left; null when nobody counts.
  stock integer CHECK (stock >= 0),
  available boolean NOT NULL GENERATED ALWAYS AS (NOT marked_out AND coalesce(stock > 0, true)) STORED,
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  FOREIGN KEY (restaurant_id, category_id) REFERENCES app.category (restaurant_id, id),
  FOREIGN KEY (restaurant_id, station_id) REFERENCES app.station (restaurant_id, id)
) WITH (fillfactor = 80);
CREATE INDEX product_restaurant ON app.product (restaurant_id, id);
CREATE INDEX product_category ON app.product (category_id);
CREATE INDEX product_out ON app.product (restaurant_id) WHERE NOT available;

-- The last order number given, by restaurant and local day.
CREATE TABLE app.order_counter (
  restaurant_id uuid NOT NULL REFERENCES app.restaurant,
  day date NOT NULL,
  last integer NOT NULL CHECK (last > 0),
  PRIMARY KEY (restaurant_id, day)
) WITH (fillfactor = 50);

-- The decimal string of an amount in minor units, with the currency's digits (ISO 4217); the table is that of Domain's
-- Currency. A product of numerics has as many digits as its factors together, so no rounding takes place.
CREATE FUNCTION app.money(amount bigint, currency text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (amount * CASE
  WHEN currency IN ('CLP', 'ISK', 'JPY', 'KRW', 'VND') THEN 1
  WHEN currency IN ('BHD', 'JOD', 'KWD', 'OMR', 'TND') THEN 0.001
  ELSE 0.01 END)::text;

CREATE VIEW app.restaurant_view AS
SELECT r.id, r.created_at, jsonb_build_object(
  'id', r.id, 'name', r.name, 'time_zone', r.time_zone, 'currency', r.currency,
  'vat_rate', r.vat_rate::text, 'vat_enabled', r.vat_enabled, 'prices_include_vat', r.prices_include_vat,
  'service_rate', r.service_rate::text, 'service_enabled', r.service_enabled,
  'active', r.active, 'version', r.version, 'created_at', hub.instant(r.created_at)) AS document
FROM app.restaurant AS r;

CREATE VIEW app.station_view AS
SELECT s.id, s.restaurant_id, s.name, s.position,
  jsonb_build_object('id', s.id, 'name', s.name, 'position', s.position) AS document
FROM app.station AS s;

CREATE VIEW app.category_view AS
SELECT c.id, c.restaurant_id, c.name, c.position, jsonb_build_object(
  'id', c.id, 'name', c.name, 'colour', c.colour, 'position', c.position) AS document
FROM app.category AS c;

CREATE VIEW app.product_view AS
SELECT p.id, p.restaurant_id, p.category_id, p.name, p.active, jsonb_build_object(
  'id', p.id, 'category_id', p.category_id, 'name', p.name, 'price', app.money(p.price, r.currency),
  'station_id', p.station_id, 'available', p.available, 'active', p.active, 'stock', p.stock,
  'version', p.version) AS document
FROM app.product AS p JOIN app.restaurant AS r ON r.id = p.restaurant_id;

CREATE FUNCTION app.restaurant_document(identifier uuid) RETURNS jsonb LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
  RETURN (SELECT document FROM app.restaurant_view WHERE id = identifier);
END $$;

-- The stations in their order, as every document that lists them has them.
CREATE FUNCTION app.stations_document(restaurant uuid) RETURNS jsonb LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
  RETURN (
    SELECT coalesce(jsonb_agg(document ORDER BY position, name), '[]')
    FROM app.station_view WHERE restaurant_id = restaurant);
END $$;

-- The menu of one restaurant: its categories in order, each with the products that are on sale; null without such a
-- restaurant.
CREATE FUNCTION app.menu_document(restaurant uuid) RETURNS jsonb LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
  RETURN (
    SELECT jsonb_build_object('restaurant_id', r.id, 'currency', r.currency, 'categories', coalesce((
      SELECT jsonb_agg(c.document || jsonb_build_object('products', coalesce(p.products, '[]'))
        ORDER BY c.position, c.name)
      FROM app.category_view AS c
      LEFT JOIN (
        SELECT category_id, jsonb_agg(document ORDER BY name, id) AS products
        FROM app.product_view WHERE restaurant_id = restaurant AND active GROUP BY category_id
      ) AS p ON p.category_id = c.id
      WHERE c.restaurant_id = r.id), '[]'))
    FROM app.restaurant AS r WHERE r.id = restaurant);
END $$;
