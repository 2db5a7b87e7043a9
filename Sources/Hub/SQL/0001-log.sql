-- The channel log: what screens see, in order.
--
-- 1. hub.publish stages events; a deferred constraint trigger gives them their offsets at COMMIT (hub.flush).
-- 2. At that moment the channels' rows are locked in name order, so there is no deadlock among channels whatever order
--    a program published in; the locks are held only for the commit, so offset order is commit order, without a gap.
-- 3. NOTIFY holds a cluster-wide lock through the commit's flush. The hub's own connections set hub.notify = off and tell
--    the other nodes afterwards; every other writer notifies by itself, so that its commit reaches the screens unaided.
-- 4. An event exists if and only if its transaction committed.
CREATE SCHEMA hub;

CREATE TABLE hub.epoch (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  epoch text NOT NULL,
  since timestamptz NOT NULL DEFAULT now()
);
INSERT INTO hub.epoch (epoch) VALUES (replace(left(gen_random_uuid()::text, 13), '-', ''));

CREATE TABLE hub.channel (
  name text COLLATE "C" PRIMARY KEY CHECK (length(name) BETWEEN 3 AND 128),
  head bigint NOT NULL,
  last_xid xid8 NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 200);
CREATE INDEX channel_last_xid ON hub.channel (last_xid);

CREATE TABLE hub.event (
  channel text COLLATE "C" NOT NULL,
  "offset" bigint NOT NULL,
  id uuid NOT NULL,
  name text NOT NULL,
  data jsonb NOT NULL,
  at timestamptz NOT NULL,
  trace text,
  PRIMARY KEY (channel, "offset", at)
) PARTITION BY RANGE (at);

-- Rows live here from hub.publish to the commit, never longer, so nothing is lost by not logging them.
CREATE UNLOGGED TABLE hub.stage (
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  position bigint GENERATED ALWAYS AS IDENTITY,
  id uuid NOT NULL,
  channels text[] NOT NULL,
  name text NOT NULL,
  data jsonb NOT NULL,
  -- The first of those that wait in the transaction: one trigger for all of them. A savepoint cannot take it back without
  -- those that were staged after it.
  leads boolean NOT NULL,
  PRIMARY KEY (xid, position)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- RFC 3339 in UTC with microseconds.
-- STABLE, not IMMUTABLE, because to_char is: only so is it inlined into the statements that use it.
CREATE FUNCTION hub.instant(moment timestamptz) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');

-- A UUID of version 7 (RFC 9562 §5.7): milliseconds since 1970, then random bits.
CREATE FUNCTION hub.identifier(moment timestamptz DEFAULT clock_timestamp()) RETURNS uuid LANGUAGE sql VOLATILE
RETURN encode(
  set_bit(set_bit(
    overlay(uuid_send(gen_random_uuid())
      PLACING substring(int8send((extract(epoch FROM moment) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
    52, 1), 53, 1), 'hex')::uuid;

-- One partition a day (UTC), made ahead of need. The default partition takes what no day's partition was made for.
CREATE TABLE hub.event_default PARTITION OF hub.event DEFAULT;

CREATE FUNCTION hub.ensure_partitions(days_ahead integer DEFAULT 7) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  day date;
BEGIN
  -- Two nodes may come at once; the second finds the partitions there.
  PERFORM pg_advisory_xact_lock(hashtext('hub.ensure_partitions'));
  FOR day IN SELECT generate_series((now() AT TIME ZONE 'UTC')::date,
                                    (now() AT TIME ZONE 'UTC')::date + days_ahead, interval '1 day')::date LOOP
    IF to_regclass(format('hub.event_%s', to_char(day, 'YYYYMMDD'))) IS NULL THEN
      EXECUTE format('CREATE TABLE hub.event_%s PARTITION OF hub.event FOR VALUES FROM (%L) TO (%L)',
        to_char(day, 'YYYYMMDD'), day::text || ' 00:00:00+00', (day + 1)::text || ' 00:00:00+00');
    END IF;
  END LOOP;
END $$;
SELECT hub.ensure_partitions();

CREATE FUNCTION hub.publish(channels text[], event text, data jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  IF channels IS NULL OR cardinality(channels) NOT BETWEEN 1 AND 64 THEN
    RAISE EXCEPTION 'hub.publish: give 1 to 64 channels' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF event IS NULL OR event !~ '^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$' OR length(event) > 64 THEN
    RAISE EXCEPTION 'hub.publish: "%" is not an event name', event USING ERRCODE = 'invalid_parameter_value',
      HINT = 'Lower-case words joined by dots, at most 64 characters, such as order.created.';
  END IF;
  -- The length is checked apart: a bounded repetition in the expression would cost a tenth of a millisecond.
  IF EXISTS (SELECT FROM unnest(channels) AS c
             WHERE c IS NULL OR octet_length(c) > 110 OR (c !~ '^[a-z]+:[A-Za-z0-9_.-]+$' AND c <> 'platform')) THEN
    RAISE EXCEPTION 'hub.publish: a channel is kind:id' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF pg_column_size(data) > 65536 THEN
    RAISE EXCEPTION 'hub.publish: data is over 64 KiB' USING ERRCODE = 'program_limit_exceeded';
  END IF;
  INSERT INTO hub.stage (id, channels, name, data, leads)
  VALUES (hub.identifier(), ARRAY(SELECT DISTINCT unnest(channels)), event, coalesce(data, 'null'::jsonb),
          NOT EXISTS (SELECT FROM hub.stage WHERE xid = pg_current_xact_id()));
END $$;

CREATE FUNCTION hub.publish(channel text, event text, data jsonb) RETURNS void LANGUAGE sql
BEGIN ATOMIC
  SELECT hub.publish(ARRAY[channel], event, data);
END;

-- Gives this transaction's staged events their offsets and answers with them. It runs at commit by the trigger below;
-- the hub calls it as the last statement before COMMIT to learn the offsets without reading them back.
CREATE FUNCTION hub.flush()
RETURNS TABLE (channel text, "offset" bigint, id uuid, name text, at text, data jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
#variable_conflict use_column
DECLARE
  this CONSTANT xid8 := pg_current_xact_id();
  heads jsonb;
  alone jsonb;
  moment timestamptz;
BEGIN
  IF NOT EXISTS (SELECT FROM hub.stage WHERE xid = this) THEN
    RETURN;
  END IF;
  -- What screens are shown must survive a crash, also where the writer's session does not wait for the disk.
  IF current_setting('synchronous_commit') = 'off' THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  -- The rows are inserted or updated one by one in name order, which is the order their locks are taken in.
  WITH counted AS (
    SELECT c COLLATE "C" AS name, count(*) AS events
    FROM hub.stage, unnest(channels) AS c WHERE xid = this GROUP BY 1
  ), moved AS (
    INSERT INTO hub.channel AS existing (name, head, last_xid)
    SELECT name, events, this FROM counted ORDER BY name
    ON CONFLICT (name) DO UPDATE SET head = existing.head + excluded.head, last_xid = this
    RETURNING name, head
  )
  SELECT jsonb_object_agg(name, head) INTO heads FROM moved;
  -- Read under the locks, so that the times of one channel's events ascend with their offsets.
  moment := clock_timestamp();
  IF coalesce(current_setting('hub.notify', true), '') <> 'off' THEN
    SELECT CASE WHEN count(*) = 1 THEN (jsonb_agg(jsonb_build_object(
        'id', id, 'event', name, 'at', hub.instant(moment), 'data', data)))->0 END
    INTO alone FROM hub.stage WHERE xid = this;
    PERFORM hub.notify(heads, alone);
  END IF;
  RETURN QUERY
  WITH staged AS (
    DELETE FROM hub.stage WHERE xid = this RETURNING position, id, channels, name, data
  ), numbered AS (
    SELECT c AS channel, row_number() OVER (PARTITION BY c ORDER BY position DESC) AS from_head, id, name, data
    FROM staged, unnest(channels) AS c
  ), written AS (
    INSERT INTO hub.event (channel, "offset", id, name, data, at, trace)
    SELECT channel, (heads ->> channel)::bigint - from_head + 1, id, name, data, moment,
           nullif(current_setting('hub.trace', true), '')
    FROM numbered
    RETURNING channel, "offset", id, name, data
  )
  SELECT channel, "offset", id, name, hub.instant(moment), data FROM written ORDER BY channel, "offset";
END $$;

-- Tells the listening nodes which heads moved, with the event when it is the transaction's only one and small
-- (a notification holds less than 8,000 bytes). A notification is a hint: a node that misses it re-scans the heads.
CREATE FUNCTION hub.notify(heads jsonb, event jsonb DEFAULT NULL, node text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  payload text := jsonb_strip_nulls(jsonb_build_object('heads', heads, 'node', node))::text;
BEGIN
  IF event IS NOT NULL AND octet_length(payload) + octet_length(event::text) < 7000 THEN
    payload := jsonb_build_object('heads', heads, 'event', event)::text;
  ELSIF octet_length(payload) > 7900 THEN
    payload := '{}';
  END IF;
  PERFORM pg_notify('hub', payload);
END $$;

CREATE FUNCTION hub.flush_at_commit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  PERFORM hub.flush();
  RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER stage_flush AFTER INSERT ON hub.stage
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.leads) EXECUTE FUNCTION hub.flush_at_commit();

-- Who may use the schema may publish, and nothing else.
REVOKE EXECUTE ON FUNCTION hub.flush(), hub.flush_at_commit(), hub.notify(jsonb, jsonb, text),
  hub.ensure_partitions(integer) FROM PUBLIC;
