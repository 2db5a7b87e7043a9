-- Who listens, on every node: rows that live as long as their node's lease.
--
-- 1. A running hub process is a row of hub.node and renews its lease by the database's clock, the one clock that all
--    nodes share. A process that died renews nothing: when its lease is over, any other node takes its rows away.
-- 2. A member is one subscription. It is there (hub.live_presence) while its node's lease is.
-- 3. Every change names its channels in NOTIFY hub_presence; whoever wants to announce who came and went reads the
--    channel again and compares. So a lost notification hides nothing for long, and nobody announces for another node.
CREATE TABLE hub.node (
  name text COLLATE "C" PRIMARY KEY,
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  lease_until timestamptz NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE hub.presence (
  channel text COLLATE "C" NOT NULL,
  connection uuid NOT NULL,
  node text COLLATE "C" NOT NULL,
  -- The user, or the device for a device's connection, which is in device_id as well.
  user_id uuid NOT NULL,
  role text COLLATE "C" NOT NULL,
  device_id uuid,
  -- As the user or the device is called; empty when nobody knows.
  name text NOT NULL,
  -- The kitchen stations that the screen shows; null when it shows all.
  stations uuid[],
  since timestamptz NOT NULL,
  PRIMARY KEY (channel, connection)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
CREATE INDEX presence_node ON hub.presence (node);

CREATE VIEW hub.live_presence AS
SELECT p.* FROM hub.presence AS p JOIN hub.node AS n ON n.name = p.node
WHERE n.lease_until > clock_timestamp();

-- Says where who listens has changed: channel names with spaces between them, or * when they are too many to name.
CREATE FUNCTION hub.notify_presence(channels text[]) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  payload CONSTANT text := array_to_string(channels, ' ');
BEGIN
  IF payload <> '' THEN
    PERFORM pg_notify('hub_presence', CASE WHEN octet_length(payload) < 7900 THEN payload ELSE '*' END);
  END IF;
END $$;

-- Makes or renews a node's lease. is_new: there was none, so whatever the node had written is gone. members: how many
-- rows the node has.
CREATE FUNCTION hub.renew_lease(node text, OUT is_new boolean, OUT members bigint)
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO hub.node AS existing (name, lease_until) VALUES (node, clock_timestamp() + interval '8 seconds')
  ON CONFLICT (name) DO UPDATE SET lease_until = excluded.lease_until
  RETURNING existing.xmax = 0 INTO is_new;
  SELECT count(*) INTO members FROM hub.presence AS p WHERE p.node = renew_lease.node;
END $$;

-- Writes a node's changes together. departed: [{"channel","connection"}], arrived: [{"channel","connection","user",
-- "role","device","stations","age"}] with the age in seconds. False when the node has no lease: then nothing was written.
CREATE FUNCTION hub.write_presence(node text, departed jsonb, arrived jsonb) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  changed text[];
BEGIN
  -- Who comes and goes moves deadlines of kitchens (0010): one writer at a time, or two would wait for each other.
  PERFORM pg_advisory_xact_lock(hashtext('hub.write_presence'));
  -- Held until the commit, it keeps others from taking the node away between this and the rows (end_leases).
  PERFORM FROM hub.node AS n WHERE n.name = write_presence.node FOR KEY SHARE;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  WITH gone AS (
    DELETE FROM hub.presence AS p USING jsonb_to_recordset(departed) AS d (channel text, connection uuid)
    WHERE p.channel = d.channel AND p.connection = d.connection
    RETURNING p.channel
  ), come AS (
    INSERT INTO hub.presence AS p (channel, connection, node, user_id, role, device_id, name, stations, since)
    SELECT a.channel, a.connection, write_presence.node, a."user", a.role, a.device,
      coalesce((SELECT u.name FROM app.user AS u WHERE u.id = a."user"),
               (SELECT d.name FROM app.device AS d WHERE d.id = a."user"), ''),
      a.stations, clock_timestamp() - make_interval(secs => a.age)
    FROM jsonb_to_recordset(arrived) AS a (
      channel text, connection uuid, "user" uuid, role text, device uuid, stations uuid[], age double precision)
    ON CONFLICT (channel, connection) DO UPDATE
    SET role = excluded.role, name = excluded.name, stations = excluded.stations
    RETURNING p.channel
  )
  SELECT array_agg(DISTINCT c.channel) INTO changed FROM (TABLE gone UNION ALL TABLE come) AS c;
  PERFORM hub.notify_presence(changed);
  RETURN true;
END $$;

-- Takes away the nodes whose lease is over, with their members; answers how many nodes. Two that come at once do not
-- wait for each other: one of them finds the nodes.
CREATE FUNCTION hub.end_leases() RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  changed text[];
  ended bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('hub.write_presence'));
  WITH over AS (
    SELECT name FROM hub.node WHERE lease_until <= clock_timestamp() FOR UPDATE SKIP LOCKED
  ), gone AS (
    DELETE FROM hub.presence AS p USING over WHERE p.node = over.name RETURNING p.channel
  ), ended_nodes AS (
    DELETE FROM hub.node AS n USING over WHERE n.name = over.name RETURNING n.name
  )
  SELECT (SELECT array_agg(DISTINCT channel) FROM gone), (SELECT count(*) FROM ended_nodes) INTO changed, ended;
  PERFORM hub.notify_presence(changed);
  RETURN ended;
END $$;

-- A node that stops takes itself away at once.
CREATE FUNCTION hub.end_lease(node text) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  changed text[];
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('hub.write_presence'));
  -- First the node: a change of its that is still being written has ended when this has.
  DELETE FROM hub.node AS n WHERE n.name = end_lease.node;
  WITH gone AS (DELETE FROM hub.presence AS p WHERE p.node = end_lease.node RETURNING p.channel)
  SELECT array_agg(DISTINCT channel) INTO changed FROM gone;
  PERFORM hub.notify_presence(changed);
END $$;

REVOKE EXECUTE ON FUNCTION hub.notify_presence(text[]), hub.renew_lease(text), hub.write_presence(text, jsonb, jsonb),
  hub.end_leases(), hub.end_lease(text) FROM PUBLIC;
