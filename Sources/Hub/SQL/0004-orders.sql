-- Orders, from the till to the table.
--
-- 1. Every change of status is one guarded statement (… WHERE status = expected); what may follow what is Domain's
--    OrderStatus, and the checks here only keep a row from contradicting itself.
-- 2. Whoever changes an order or one of its tickets locks the order's row first, so that two bumps of one order cannot
--    deadlock, nor both miss that the other's ticket was the last.
-- 3. `open` is what an index needs to list the few open orders among all; its value changes once in an order's life,
--    so that the other changes of status stay cheap (heap-only) updates.
CREATE TABLE app.order (
  id uuid PRIMARY KEY,
  restaurant_id uuid NOT NULL REFERENCES app.restaurant,
  number text COLLATE "C" NOT NULL,
  status text COLLATE "C" NOT NULL DEFAULT 'pending'
    CHECK (status IN ('pending', 'confirmed', 'preparing', 'ready', 'completed', 'cancelled')),
  open boolean NOT NULL GENERATED ALWAYS AS (status NOT IN ('completed', 'cancelled')) STORED,
  order_type text COLLATE "C" NOT NULL CHECK (order_type IN ('dine_in', 'takeaway', 'delivery')),
  table_name text CHECK (char_length(table_name) BETWEEN 1 AND 20),
  customer_id uuid,
  note text CHECK (char_length(note) <= 500),
  currency text COLLATE "C" NOT NULL,
  subtotal bigint NOT NULL CHECK (subtotal >= 0),
  vat bigint NOT NULL CHECK (vat >= 0),
  service_charge bigint NOT NULL CHECK (service_charge >= 0),
  discount bigint NOT NULL DEFAULT 0 CHECK (discount >= 0),
  total bigint NOT NULL CHECK (total >= 0 AND total = subtotal + vat + service_charge - discount),
  cancel_reason text CHECK (char_length(cancel_reason) <= 200),
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  confirmed_at timestamptz,
  ready_at timestamptz,
  completed_at timestamptz,
  cancelled_at timestamptz,
  UNIQUE (restaurant_id, number),
  CHECK (order_type <> 'dine_in' OR table_name IS NOT NULL),
  CHECK ((status = 'completed') = (completed_at IS NOT NULL)),
  CHECK ((status = 'cancelled') = (cancelled_at IS NOT NULL)),
  CHECK (status IN ('pending', 'cancelled') OR confirmed_at IS NOT NULL)
) WITH (fillfactor = 75, autovacuum_vacuum_scale_factor = 0.05);
-- Keyset pagination, newest first; and the open ones, oldest first.
CREATE INDEX order_created ON app.order (restaurant_id, created_at DESC, id DESC);
CREATE INDEX order_open ON app.order (restaurant_id, created_at, id) WHERE open;

CREATE TABLE app.order_item (
  id uuid PRIMARY KEY,
  order_id uuid NOT NULL REFERENCES app.order,
  position integer NOT NULL CHECK (position >= 0),
  product_id uuid NOT NULL REFERENCES app.product,
  -- Name and price as they were when the order was placed.
  name text NOT NULL,
  quantity integer NOT NULL CHECK (quantity > 0),
  unit_price bigint NOT NULL CHECK (unit_price >= 0),
  line_total bigint NOT NULL CHECK (line_total = unit_price * quantity),
  modifiers jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(modifiers) = 'array'),
  note text,
  station_id uuid REFERENCES app.station,
  -- What was taken from counted stock and would go back; null when the product was not counted.
  reserved integer CHECK (reserved > 0)
);
CREATE UNIQUE INDEX order_item_order ON app.order_item (order_id, position);

-- Every status that an order ever had, by the version that it had with it.
CREATE TABLE app.order_history (
  order_id uuid NOT NULL REFERENCES app.order,
  version integer NOT NULL,
  from_status text COLLATE "C",
  to_status text COLLATE "C" NOT NULL,
  -- The user or device that asked; the kitchen's tickets move an order on behalf of whoever bumped them.
  actor uuid,
  reason text,
  at timestamptz NOT NULL DEFAULT statement_timestamp(),
  PRIMARY KEY (order_id, version)
);

-- ORD-YYYYMMDD-NNNN as Domain's OrderNumber prints it; the ten-thousandth order of a day has five digits.
CREATE FUNCTION app.order_number(day date, counter integer) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN 'ORD-' || to_char(day, 'YYYYMMDD') || '-' || lpad(counter::text, greatest(4, length(counter::text)), '0');
