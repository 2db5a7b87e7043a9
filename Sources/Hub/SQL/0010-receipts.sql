-- What clients say that they have seen, and the alarms that follow when nobody has.
--
-- 1. A receipt is cumulative: the greatest offset that a device has received, shown and accepted, each level including
--    the ones after it. Offsets past a channel's head are not believed.
-- 2. For alarms it matters which stations a screen showed when it gave the receipt, so that is noted apart: one row a
--    station with the greatest offset that any screen of it has shown. It stays true when the screen goes.
-- 3. ticket.unseen is told once, and ticket.seen once after it. Whoever raises and whoever clears the alarm of a ticket
--    locks the row of its station first, so that of a receipt and an alarm at the same moment one sees the other. Who
--    moves the ticket holds the ticket's row, which the alarm locks too.
-- 4. station.uncovered is told when a station that is used has had no live screen for as long as a ticket may go unseen.
--    A kitchen is watched from its first screen on; one that had none for twelve hours is closed and is watched no more.
ALTER TABLE app.restaurant
  -- How long a ticket may wait to be shown, and a station to have a screen; 0 for a kitchen without screens: no alarms.
  ADD COLUMN unseen_seconds integer NOT NULL DEFAULT 10 CHECK (unseen_seconds BETWEEN 0 AND 600);

CREATE OR REPLACE VIEW app.restaurant_view AS
SELECT r.id, r.created_at, jsonb_build_object(
  'id', r.id, 'name', r.name, 'time_zone', r.time_zone, 'currency', r.currency,
  'vat_rate', r.vat_rate::text, 'vat_enabled', r.vat_enabled, 'prices_include_vat', r.prices_include_vat,
  'service_rate', r.service_rate::text, 'service_enabled', r.service_enabled, 'unseen_seconds', r.unseen_seconds,
  'active', r.active, 'version', r.version, 'created_at', hub.instant(r.created_at)) AS document
FROM app.restaurant AS r;

CREATE TABLE hub.receipt (
  channel text COLLATE "C" NOT NULL,
  -- The device; for a person the session, since two tablets of one cook are two screens; without either the connection.
  device uuid NOT NULL,
  user_id uuid NOT NULL,
  role text COLLATE "C" NOT NULL,
  received bigint NOT NULL,
  shown bigint NOT NULL,
  accepted bigint NOT NULL CHECK (accepted <= shown AND shown <= received),
  -- Not indexed, so that the updates stay cheap (heap-only): there are few rows, and they are looked up by channel.
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (channel, device)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);

CREATE TABLE app.station_shown (
  station_id uuid PRIMARY KEY REFERENCES app.station,
  shown bigint NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);

CREATE TABLE app.alarm (
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('ticket.unseen', 'station.uncovered')),
  -- The ticket or the station.
  subject uuid NOT NULL,
  restaurant_id uuid NOT NULL REFERENCES app.restaurant,
  station_id uuid NOT NULL,
  -- Of a ticket: the offset of its ticket.created in the kitchen's channel.
  "offset" bigint,
  since timestamptz NOT NULL,
  -- As it was told; null while a station that has just lost its screen may still get it back.
  document jsonb,
  PRIMARY KEY (kind, subject)
);
CREATE INDEX alarm_restaurant ON app.alarm (restaurant_id);

INSERT INTO hub.deadline_kind VALUES
  ('ticket.unseen', 'app.ticket_unseen_due'), ('kitchen.cover', 'app.kitchen_cover_due');

CREATE FUNCTION app.alarm_channels(restaurant uuid) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY['restaurant:' || restaurant, 'pos:' || restaurant];

-- The alarms that stand, oldest first.
CREATE FUNCTION app.alarms_document(restaurant uuid) RETURNS jsonb LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
  RETURN (
    SELECT coalesce(jsonb_agg(a.document ORDER BY a.since, a.subject), '[]')
    FROM app.alarm AS a WHERE a.restaurant_id = restaurant AND a.document IS NOT NULL);
END $$;

-- ——— Tickets that nobody sees ———

-- A recalled ticket has no deadline: somebody at the screen has just brought it back.
CREATE FUNCTION app.ticket_awaits_screen() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  -- Its event will have an offset after the head of now, whatever is committed before this is.
  INSERT INTO hub.deadline (kind, subject, due_at, data)
  SELECT 'ticket.unseen', new.id, clock_timestamp() + make_interval(secs => r.unseen_seconds),
    jsonb_build_object('set_at', clock_timestamp(),
      'head', coalesce((SELECT c.head FROM hub.channel AS c WHERE c.name = 'kitchen:' || r.id), 0))
  FROM app.restaurant AS r WHERE r.id = new.restaurant_id AND r.unseen_seconds > 0;
  RETURN NULL;
END $$;
CREATE TRIGGER ticket_awaits_screen AFTER INSERT ON app.ticket
FOR EACH ROW WHEN (new.status = 'new') EXECUTE FUNCTION app.ticket_awaits_screen();

CREATE FUNCTION app.ticket_unseen_due(due hub.deadline) RETURNS hub.deadline
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  ticket app.ticket;
  shown bigint;
  created bigint;
  told_at timestamptz;
  moment CONSTANT timestamptz := clock_timestamp();
  document jsonb;
  alarm jsonb;
BEGIN
  SELECT * INTO ticket FROM app.ticket AS t WHERE t.id = due.subject FOR NO KEY UPDATE SKIP LOCKED;
  IF ticket.id IS NULL AND EXISTS (SELECT FROM app.ticket AS t WHERE t.id = due.subject) THEN
    -- It is being moved just now.
    due.due_at := moment + interval '100 milliseconds';
    RETURN due;
  END IF;
  IF ticket.id IS NULL OR ticket.status <> 'new' THEN
    RETURN NULL;
  END IF;
  SELECT s.shown INTO shown FROM app.station_shown AS s WHERE s.station_id = ticket.station_id FOR UPDATE SKIP LOCKED;
  -- Inserting would wait for whoever has the row locked, so only where there is none yet.
  IF shown IS NULL AND NOT EXISTS (SELECT FROM app.station_shown AS s WHERE s.station_id = ticket.station_id) THEN
    INSERT INTO app.station_shown AS s (station_id, shown) VALUES (ticket.station_id, 0) ON CONFLICT DO NOTHING
    RETURNING s.shown INTO shown;
  END IF;
  IF shown IS NULL THEN
    -- A receipt of its station is being stored just now.
    due.due_at := moment + interval '50 milliseconds';
    RETURN due;
  END IF;
  SELECT e."offset", e.at INTO created, told_at FROM hub.event AS e
  WHERE e.channel = 'kitchen:' || ticket.restaurant_id AND e."offset" > (due.data ->> 'head')::bigint
    AND e.name = 'ticket.created' AND e.data ->> 'id' = ticket.id::text
  ORDER BY e."offset" LIMIT 1;
  -- Without an event, somebody wrote the ticket by hand: then the first event that could tell of it counts.
  IF shown >= coalesce(created, (due.data ->> 'head')::bigint + 1) THEN
    RETURN NULL;
  END IF;
  IF told_at - (due.data ->> 'set_at')::timestamptz > interval '1 second' THEN
    -- Its transaction took long, and nobody could see the ticket meanwhile.
    due.due_at := due.due_at + (told_at - (due.data ->> 'set_at')::timestamptz);
    due.data := due.data - 'set_at';
    RETURN due;
  END IF;
  document := app.ticket_document(ticket.id);
  alarm := jsonb_build_object(
    'id', ticket.id, 'kind', 'ticket.unseen', 'since', hub.instant(moment), 'station_id', ticket.station_id,
    'station', document -> 'station', 'order_id', ticket.order_id, 'order_number', document -> 'order_number',
    'table', document -> 'table');
  INSERT INTO app.alarm (kind, subject, restaurant_id, station_id, "offset", since, document)
  VALUES ('ticket.unseen', ticket.id, ticket.restaurant_id, ticket.station_id,
    coalesce(created, (due.data ->> 'head')::bigint + 1), moment, alarm);
  PERFORM hub.publish(app.alarm_channels(ticket.restaurant_id), 'ticket.unseen',
    document || jsonb_build_object('alarm', alarm));
  RETURN NULL;
END $$;

CREATE FUNCTION app.publish_seen(ticket uuid, by text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  PERFORM hub.publish(app.alarm_channels(t.restaurant_id), 'ticket.seen', t.document || jsonb_build_object('by', by))
  FROM app.ticket_view AS t WHERE t.id = ticket;
END $$;

-- A ticket that somebody has begun, or whose order was cancelled, needs no screen any more.
CREATE FUNCTION app.ticket_moved_on() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  DELETE FROM app.alarm AS a WHERE a.kind = 'ticket.unseen' AND a.subject = new.id;
  IF FOUND THEN
    PERFORM app.publish_seen(new.id, 'moved');
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER ticket_moved_on AFTER UPDATE ON app.ticket
FOR EACH ROW WHEN (old.status = 'new' AND new.status <> 'new') EXECUTE FUNCTION app.ticket_moved_on();

-- ——— Receipts ———

-- Stores receipts: [{"channel","device","user","role","stations","received","shown","accepted"}], where `stations` are
-- those that a kitchen screen showed and null means all. Clears the alarms that they answer.
CREATE FUNCTION app.store_receipts(receipts jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog SET lock_timeout = '2s' AS $$
DECLARE
  kitchens uuid[];
  alarm app.alarm;
BEGIN
  INSERT INTO hub.receipt AS existing (channel, device, user_id, role, received, shown, accepted)
  SELECT DISTINCT ON (r.channel, r.device) r.channel, r.device, r."user", r.role, max(r.received) OVER same,
    max(r.shown) OVER same, max(r.accepted) OVER same
  FROM jsonb_to_recordset(receipts) AS r (
    channel text COLLATE "C", device uuid, "user" uuid, role text, received bigint, shown bigint, accepted bigint)
  JOIN hub.channel AS c ON c.name = r.channel AND r.received <= c.head
  WINDOW same AS (PARTITION BY r.channel, r.device)
  ORDER BY r.channel, r.device
  ON CONFLICT (channel, device) DO UPDATE SET
    received = greatest(existing.received, excluded.received), shown = greatest(existing.shown, excluded.shown),
    accepted = greatest(existing.accepted, excluded.accepted), role = excluded.role, at = clock_timestamp()
  WHERE excluded.received > existing.received OR excluded.shown > existing.shown
    OR excluded.accepted > existing.accepted;

  -- In the order of their ids, as the locks of every such transaction.
  WITH told AS MATERIALIZED (
    SELECT substr(r.channel, 9)::uuid AS restaurant, r.stations, r.shown
    FROM jsonb_to_recordset(receipts) AS r (channel text COLLATE "C", stations uuid[], received bigint, shown bigint)
    JOIN hub.channel AS c ON c.name = r.channel AND r.received <= c.head
    WHERE r.channel ^@ 'kitchen:' AND r.shown > 0
  ), stored AS (
    INSERT INTO app.station_shown AS existing (station_id, shown)
    SELECT s.id, max(t.shown) FROM told AS t
    JOIN app.station AS s ON s.restaurant_id = t.restaurant AND (t.stations IS NULL OR s.id = ANY (t.stations))
    GROUP BY s.id ORDER BY s.id
    ON CONFLICT (station_id) DO UPDATE SET shown = excluded.shown WHERE excluded.shown > existing.shown
  )
  SELECT array_agg(DISTINCT t.restaurant) INTO kitchens FROM told AS t;
  IF kitchens IS NULL THEN
    RETURN;
  END IF;
  FOR alarm IN
    SELECT a.* FROM app.alarm AS a JOIN app.station_shown AS s ON s.station_id = a.station_id
    WHERE a.restaurant_id = ANY (kitchens) AND a.kind = 'ticket.unseen' AND a."offset" <= s.shown
    -- One that is locked is being cleared by whoever moves the ticket.
    ORDER BY a.since, a.subject FOR UPDATE OF a SKIP LOCKED
  LOOP
    DELETE FROM app.alarm AS a WHERE a.kind = alarm.kind AND a.subject = alarm.subject;
    PERFORM app.publish_seen(alarm.subject, 'shown');
  END LOOP;
END $$;

-- What a channel's devices have seen, as GET …/receipts answers.
CREATE VIEW hub.receipt_view AS
SELECT r.channel, r.device, r.at, jsonb_build_object(
  'device', r.device, 'user_id', r.user_id, 'role', r.role,
  'name', coalesce((SELECT u.name FROM app.user AS u WHERE u.id = r.user_id),
                   (SELECT d.name FROM app.device AS d WHERE d.id = r.user_id), ''),
  'received', r.received, 'shown', r.shown, 'accepted', r.accepted, 'at', hub.instant(r.at)) AS document
FROM hub.receipt AS r;

-- Receipts of devices that have not been heard of for a week say nothing any more.
CREATE FUNCTION hub.forget_receipts() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  DELETE FROM hub.receipt WHERE ctid IN (
    SELECT ctid FROM hub.receipt WHERE at < clock_timestamp() - interval '7 days' LIMIT 10000);
END $$;

-- ——— Stations without a screen ———

-- The kitchen is to be looked at anew, at once; it is watched from its first screen on.
CREATE FUNCTION app.screens_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO hub.deadline AS d (kind, subject, due_at)
  SELECT DISTINCT 'kitchen.cover', substr(c.channel, 9)::uuid, statement_timestamp()
  FROM changed AS c WHERE c.channel ^@ 'kitchen:' ORDER BY 2
  ON CONFLICT (kind, subject) DO UPDATE SET due_at = least(d.due_at, excluded.due_at);
  RETURN NULL;
END $$;
CREATE TRIGGER screens_came AFTER INSERT ON hub.presence
REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.screens_changed();
CREATE TRIGGER screens_turned AFTER UPDATE ON hub.presence
REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.screens_changed();
CREATE TRIGGER screens_left AFTER DELETE ON hub.presence
REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.screens_changed();

-- What makes a station needed has changed: only a kitchen that is watched is looked at.
CREATE FUNCTION app.kitchen_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  UPDATE hub.deadline AS d SET due_at = least(d.due_at, clock_timestamp())
  WHERE d.kind = 'kitchen.cover' AND d.subject = (to_jsonb(new) ->> TG_ARGV[0])::uuid;
  RETURN NULL;
END $$;
CREATE TRIGGER product_moved AFTER INSERT OR UPDATE OF station_id, active ON app.product
FOR EACH ROW EXECUTE FUNCTION app.kitchen_changed('restaurant_id');
CREATE TRIGGER restaurant_changed AFTER UPDATE OF active, unseen_seconds ON app.restaurant
FOR EACH ROW EXECUTE FUNCTION app.kitchen_changed('id');

-- Which stations are needed and which are shown, compared with what was told. Besides being asked to look, it comes back
-- when a station's time is over, and each minute in case that nobody could ask.
CREATE FUNCTION app.kitchen_cover_due(due hub.deadline) RETURNS hub.deadline
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  moment CONSTANT timestamptz := clock_timestamp();
  place app.restaurant;
  grace interval;
  is_closed boolean;
  station record;
  alarm jsonb;
BEGIN
  SELECT * INTO place FROM app.restaurant AS r WHERE r.id = due.subject;
  IF place.id IS NULL THEN
    RETURN NULL;
  END IF;
  grace := make_interval(secs => place.unseen_seconds);
  due.due_at := moment + interval '1 minute';
  IF due.data = '{}' OR EXISTS (SELECT FROM hub.live_presence AS p WHERE p.channel = 'kitchen:' || place.id) THEN
    due.data := jsonb_build_object('screen_at', moment);
  END IF;
  is_closed := (due.data ->> 'screen_at')::timestamptz < moment - interval '12 hours';
  FOR station IN
    SELECT s.id, s.name, s.document, a.since, a.document IS NOT NULL AS is_told,
      (SELECT count(*) FROM hub.live_presence AS p
       WHERE p.channel = 'kitchen:' || place.id AND (p.stations IS NULL OR s.id = ANY (p.stations))) AS screens,
      place.active AND place.unseen_seconds > 0 AND NOT is_closed AND s.id IN (
        SELECT p.station_id FROM app.product AS p
        WHERE p.restaurant_id = place.id AND p.active AND p.station_id IS NOT NULL
        UNION ALL SELECT t.station_id FROM app.ticket AS t WHERE t.restaurant_id = place.id AND t.open) AS is_needed
    FROM app.station_view AS s
    LEFT JOIN app.alarm AS a ON a.kind = 'station.uncovered' AND a.subject = s.id
    WHERE s.restaurant_id = place.id ORDER BY s.position, s.id
  LOOP
    IF station.screens > 0 OR NOT station.is_needed THEN
      DELETE FROM app.alarm AS a WHERE a.kind = 'station.uncovered' AND a.subject = station.id;
      IF station.is_told THEN
        PERFORM hub.publish(app.alarm_channels(place.id), 'station.covered',
          station.document || jsonb_build_object('screens', station.screens));
      END IF;
    ELSIF station.since IS NULL THEN
      INSERT INTO app.alarm (kind, subject, restaurant_id, station_id, since)
      VALUES ('station.uncovered', station.id, place.id, station.id, moment);
      due.due_at := least(due.due_at, moment + grace);
    ELSIF NOT station.is_told AND station.since + grace > moment THEN
      due.due_at := least(due.due_at, station.since + grace);
    ELSIF NOT station.is_told THEN
      alarm := jsonb_build_object('id', station.id, 'kind', 'station.uncovered', 'since', hub.instant(station.since),
        'station_id', station.id, 'station', station.name);
      UPDATE app.alarm AS a SET document = alarm WHERE a.kind = 'station.uncovered' AND a.subject = station.id;
      PERFORM hub.publish(app.alarm_channels(place.id), 'station.uncovered',
        station.document || jsonb_build_object('screens', 0, 'alarm', alarm));
    END IF;
  END LOOP;
  RETURN CASE WHEN is_closed THEN NULL ELSE due END;
END $$;

-- ——— Snapshots ———

-- The kitchen's stations with how many live screens show each: as of the moment, no event tells of it.
CREATE FUNCTION app.kitchen_stations(restaurant uuid) RETURNS jsonb LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
  RETURN (
    SELECT coalesce(jsonb_agg(s.document || jsonb_build_object('screens', (
      SELECT count(*) FROM hub.live_presence AS p
      WHERE p.channel = 'kitchen:' || restaurant AND (p.stations IS NULL OR s.id = ANY (p.stations))))
      ORDER BY s.position, s.name), '[]')
    FROM app.station_view AS s WHERE s.restaurant_id = restaurant);
END $$;

-- The state of the channel `kind:id`, as of the statement's snapshot; null when there is no such channel.
CREATE OR REPLACE FUNCTION app.snapshot(kind text, id text) RETURNS jsonb LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
#variable_conflict use_column
DECLARE
  this CONSTANT uuid := CASE
    WHEN snapshot.id ~ '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$' THEN snapshot.id::uuid END;
BEGIN
  CASE kind
  WHEN 'kitchen' THEN
    RETURN (
      SELECT jsonb_build_object(
        'restaurant', jsonb_build_object('id', r.id, 'name', r.name, 'time_zone', r.time_zone),
        'stations', app.kitchen_stations(r.id), 'tickets', app.open_tickets(r.id), 'all_day', app.all_day(r.id),
        'out_of_stock', coalesce((
          SELECT jsonb_agg(jsonb_build_object('product_id', p.id, 'name', p.name) ORDER BY p.name, p.id)
          FROM app.product AS p WHERE p.restaurant_id = r.id AND NOT p.available), '[]'),
        'thresholds', jsonb_build_object('amber_seconds', r.amber_seconds, 'red_seconds', r.red_seconds))
      FROM app.restaurant AS r WHERE r.id = this);
  WHEN 'pos' THEN
    RETURN (
      SELECT jsonb_build_object(
        'restaurant', jsonb_build_object(
          'id', r.id, 'name', r.name, 'time_zone', r.time_zone, 'currency', r.currency),
        'orders', app.open_orders(r.id), 'alarms', app.alarms_document(r.id))
      FROM app.restaurant AS r WHERE r.id = this);
  WHEN 'restaurant' THEN
    RETURN (
      SELECT jsonb_build_object(
        'restaurant', r.document, 'stations', app.stations_document(r.id), 'orders', app.open_orders(r.id),
        'tickets', app.open_tickets(r.id), 'alarms', app.alarms_document(r.id))
      FROM app.restaurant_view AS r WHERE r.id = this);
  WHEN 'payments' THEN
    RETURN (
      SELECT jsonb_build_object(
        'restaurant', jsonb_build_object(
          'id', r.id, 'name', r.name, 'time_zone', r.time_zone, 'currency', r.currency),
        'payments', '[]'::jsonb)
      FROM app.restaurant AS r WHERE r.id = this);
  WHEN 'ramp' THEN
    RETURN app.ramp_document(this);
  WHEN 'platform' THEN
    RETURN CASE WHEN snapshot.id = '' THEN jsonb_build_object('restaurants', (
      SELECT coalesce(jsonb_agg(jsonb_build_object('id', r.id, 'name', r.name, 'active', r.active) ORDER BY r.id), '[]')
      FROM app.restaurant AS r)) END;
  ELSE
    RETURN NULL;
  END CASE;
END $$;
