-- Rights that end, in order with the data (docs/decisions/0014).
--
-- 1. A right ends in the transaction that changes the row it came from, whoever changes it: a session is revoked, a role
--    changes, a membership or a device is removed, a restaurant is suspended. Triggers do the rest.
-- 2. That transaction publishes access.revoked to every channel that the right let somebody listen to. So it has its
--    place among the channel's events: what was committed before it is before it, on every node and in every replay.
-- 3. It also goes to access:log, which nobody may listen to: the nodes read it to know whose tokens they refuse.
-- 4. A command asks app.check_access before its statements and again after hub.flush. By then it holds its channels'
--    locks, which the revocation needs as well: either the revocation is committed and seen, or it comes afterwards.
ALTER TABLE app.session DROP CONSTRAINT session_revoked_reason_check;
ALTER TABLE app.session ADD CONSTRAINT session_revoked_reason_check
  CHECK (revoked_reason IN ('logout', 'refresh_reused', 'removed', 'role_changed', 'ended'));

-- Counted up whenever a user loses a right: who signs in just then is not given the old ones (IdentityQueries).
ALTER TABLE app.user ADD COLUMN rights integer NOT NULL DEFAULT 1;

-- Names that begin with access are the hub's own: a program that could publish them could end others' sockets.
CREATE OR REPLACE FUNCTION hub.publish(channels text[], event text, data jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  IF channels IS NULL OR cardinality(channels) NOT BETWEEN 1 AND 64 THEN
    RAISE EXCEPTION 'hub.publish: give 1 to 64 channels' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF event IS NULL OR event !~ '^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$' OR length(event) > 64 THEN
    RAISE EXCEPTION 'hub.publish: "%" is not an event name', event USING ERRCODE = 'invalid_parameter_value',
      HINT = 'Lower-case words joined by dots, at most 64 characters, such as order.created.';
  END IF;
  IF starts_with(event, 'access.') THEN
    RAISE EXCEPTION 'hub.publish: "%" is for the hub alone', event USING ERRCODE = 'invalid_parameter_value',
      HINT = 'Change the row that the right comes from, and the event follows.';
  END IF;
  -- The length is checked apart: a bounded repetition in the expression would cost a tenth of a millisecond.
  IF EXISTS (SELECT FROM unnest(channels) AS c
             WHERE c IS NULL OR octet_length(c) > 110 OR starts_with(c, 'access:')
               OR (c !~ '^[a-z]+:[A-Za-z0-9_.-]+$' AND c <> 'platform')) THEN
    RAISE EXCEPTION 'hub.publish: a channel is kind:id' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF pg_column_size(data) > 65536 THEN
    RAISE EXCEPTION 'hub.publish: data is over 64 KiB' USING ERRCODE = 'program_limit_exceeded';
  END IF;
  INSERT INTO hub.stage (id, channels, name, data, leads)
  VALUES (hub.identifier(), ARRAY(SELECT DISTINCT unnest(channels)), event, coalesce(data, 'null'::jsonb),
          NOT EXISTS (SELECT FROM hub.stage WHERE xid = pg_current_xact_id()));
END $$;

-- Publishes a change of rights to any number of channels, and to the log of all such changes.
CREATE FUNCTION app.publish_access(channels text[], event text, data jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO hub.stage (id, channels, name, data, leads)
  VALUES (hub.identifier(), ARRAY(SELECT DISTINCT unnest(channels || 'access:log'::text)), event, data,
          NOT EXISTS (SELECT FROM hub.stage WHERE xid = pg_current_xact_id()));
END $$;

-- The channels of a restaurant.
CREATE FUNCTION app.channels_of(restaurant uuid) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY['kitchen:' || restaurant, 'payments:' || restaurant, 'pos:' || restaurant, 'restaurant:' || restaurant];

-- The channels that sessions of a user or a device may listen to. A platform owner hears every restaurant and every
-- account: their log-outs cost an event in each (a thousand restaurants: some tens of milliseconds).
CREATE FUNCTION app.audible_channels(this_user uuid, this_device uuid) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
BEGIN
  RETURN ARRAY(
    SELECT unnest(app.channels_of(m.restaurant_id)) FROM app.membership AS m WHERE m.user_id = this_user
    UNION ALL
    SELECT unnest(app.channels_of(d.restaurant_id)) FROM app.device AS d WHERE d.id = this_device
    UNION ALL
    SELECT everywhere.channel FROM app.user AS u CROSS JOIN LATERAL (
      SELECT 'platform' AS channel
      UNION ALL SELECT 'restaurant:' || r.id FROM app.restaurant AS r
      UNION ALL SELECT c.name FROM hub.channel AS c WHERE c.name >= 'account:' AND c.name < 'account;'
    ) AS everywhere
    WHERE u.id = this_user AND u.role = 'platform_owner');
END $$;

-- Sessions were revoked, or their rows deleted while they were good.
CREATE FUNCTION app.sessions_ended() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  ended record;
BEGIN
  IF TG_OP = 'UPDATE' THEN
    FOR ended IN
      SELECT a.user_id, a.device_id, a.revoked_reason AS reason, jsonb_agg(a.id) AS sessions
      FROM after AS a JOIN before AS b ON b.id = a.id AND b.revoked_at IS NULL
      WHERE a.revoked_at IS NOT NULL AND a.expires_at > now()
      GROUP BY a.user_id, a.device_id, a.revoked_reason
    LOOP
      PERFORM app.publish_access(app.audible_channels(ended.user_id, ended.device_id), 'access.revoked',
        jsonb_build_object('sessions', ended.sessions, 'reason', ended.reason));
    END LOOP;
  ELSE
    FOR ended IN
      SELECT b.user_id, b.device_id, jsonb_agg(b.id) AS sessions FROM before AS b
      WHERE b.revoked_at IS NULL AND b.expires_at > now() GROUP BY b.user_id, b.device_id
    LOOP
      PERFORM app.publish_access(app.audible_channels(ended.user_id, ended.device_id), 'access.revoked',
        jsonb_build_object('sessions', ended.sessions, 'reason', 'ended'));
    END LOOP;
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER session_revoked AFTER UPDATE ON app.session
REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION app.sessions_ended();
CREATE TRIGGER session_deleted AFTER DELETE ON app.session
REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION app.sessions_ended();

-- Ends every session of a user or a device; answers how many there were.
CREATE FUNCTION app.end_sessions(this_user uuid, this_device uuid, reason text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  ended bigint;
BEGIN
  UPDATE app.session SET revoked_at = now(), revoked_reason = reason
  WHERE (user_id = this_user OR device_id = this_device) AND revoked_at IS NULL;
  GET DIAGNOSTICS ended = ROW_COUNT;
  RETURN ended;
END $$;

-- Before the update, while the row is locked and still says what the sessions could hear.
CREATE FUNCTION app.user_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  PERFORM app.end_sessions(old.id, NULL, CASE WHEN new.role <> old.role THEN 'role_changed' ELSE 'removed' END);
  new.rights := old.rights + 1;
  RETURN new;
END $$;

CREATE TRIGGER user_changed BEFORE UPDATE ON app.user
FOR EACH ROW WHEN (new.role <> old.role OR (old.active AND NOT new.active)) EXECUTE FUNCTION app.user_changed();

-- The session goes on, without this restaurant; a token that still names it is good for the others.
CREATE FUNCTION app.membership_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  member CONSTANT app.membership := CASE WHEN TG_OP = 'INSERT' THEN new ELSE old END;
  sessions jsonb;
BEGIN
  -- The lock orders this with signing in, which reads the rights before it makes the session.
  UPDATE app.user SET rights = rights + 1 WHERE id = member.user_id;
  SELECT jsonb_agg(s.id) INTO sessions FROM app.session AS s
  WHERE s.user_id = member.user_id AND s.revoked_at IS NULL AND s.expires_at > now();
  IF sessions IS NULL THEN
    RETURN NULL;
  END IF;
  IF TG_OP = 'INSERT' THEN
    PERFORM app.publish_access('{}', 'access.restored',
      jsonb_build_object('sessions', sessions, 'restaurant', member.restaurant_id, 'reason', 'member_added'));
  ELSE
    PERFORM app.publish_access(app.channels_of(member.restaurant_id), 'access.revoked',
      jsonb_build_object('sessions', sessions, 'restaurant', member.restaurant_id, 'reason', 'member_removed'));
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER membership_changed AFTER INSERT OR DELETE ON app.membership
FOR EACH ROW EXECUTE FUNCTION app.membership_changed();

-- A membership is made and removed; another one is another row.
CREATE FUNCTION app.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a row of % is not changed: delete it and insert another', TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER membership_fixed BEFORE UPDATE OF user_id, restaurant_id ON app.membership
FOR EACH ROW EXECUTE FUNCTION app.refuse_change();

CREATE FUNCTION app.device_removed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  PERFORM app.end_sessions(NULL, new.id, 'removed');
  RETURN NULL;
END $$;

CREATE TRIGGER device_removed AFTER UPDATE ON app.device
FOR EACH ROW WHEN (old.removed_at IS NULL AND new.removed_at IS NOT NULL) EXECUTE FUNCTION app.device_removed();

-- Everybody is told first, then the restaurant's own people stop hearing it.
CREATE FUNCTION app.restaurant_turned() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  its_channels CONSTANT text[] := app.channels_of(new.id);
BEGIN
  IF TG_OP = 'UPDATE' THEN
    PERFORM hub.publish(its_channels || 'platform'::text,
      CASE WHEN new.active THEN 'restaurant.resumed' ELSE 'restaurant.suspended' END, app.restaurant_document(new.id));
  END IF;
  IF new.active THEN
    PERFORM app.publish_access('{}', 'access.restored',
      jsonb_build_object('restaurant', new.id, 'reason', 'resumed'));
  ELSE
    PERFORM app.publish_access(its_channels, 'access.revoked',
      jsonb_build_object('restaurant', new.id, 'reason', 'suspended'));
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER restaurant_turned AFTER UPDATE ON app.restaurant
FOR EACH ROW WHEN (old.active <> new.active) EXECUTE FUNCTION app.restaurant_turned();
CREATE TRIGGER restaurant_opened_suspended AFTER INSERT ON app.restaurant
FOR EACH ROW WHEN (NOT new.active) EXECUTE FUNCTION app.restaurant_turned();

-- Raises when a token's rights are no longer those of the rows: HA401 the session has ended, HA402 the session goes on
-- without one of the token's restaurants, HA403 the restaurant is suspended: all of the token's, or one that this
-- transaction has published to. A platform owner may act in a suspended one.
CREATE FUNCTION app.check_access(token_session uuid, token_role text, token_restaurants uuid[]) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
DECLARE
  member uuid;
BEGIN
  IF token_session IS NOT NULL THEN
    -- Who ends the own session may finish doing so.
    SELECT s.user_id INTO member FROM app.session AS s
    WHERE s.id = token_session AND (s.revoked_at IS NULL OR s.xmin = pg_current_xact_id_if_assigned()::xid);
    IF NOT FOUND THEN
      RAISE EXCEPTION 'the session has ended' USING ERRCODE = 'HA401';
    END IF;
    IF member IS NOT NULL AND EXISTS (
      SELECT FROM unnest(token_restaurants) AS r
      WHERE NOT EXISTS (SELECT FROM app.membership AS m WHERE m.user_id = member AND m.restaurant_id = r))
    THEN
      RAISE EXCEPTION 'the token names a restaurant that its user has left' USING ERRCODE = 'HA402';
    END IF;
  END IF;
  IF token_role <> 'platform_owner' THEN
    IF cardinality(token_restaurants) > 0 AND cardinality(token_restaurants) = (
      SELECT count(*) FROM app.restaurant AS r WHERE r.id = ANY (token_restaurants) AND NOT r.active)
    THEN
      RAISE EXCEPTION 'the restaurant is suspended' USING ERRCODE = 'HA403';
    END IF;
    -- Nothing has been written before the first statement, and so nothing published.
    IF pg_current_xact_id_if_assigned() IS NOT NULL AND EXISTS (
      SELECT FROM hub.channel AS c
      JOIN app.restaurant AS r ON r.id = CASE
        WHEN c.name ~ '^(kitchen|payments|pos|restaurant):[0-9a-f-]{36}$' THEN split_part(c.name, ':', 2)::uuid END
      WHERE c.last_xid = pg_current_xact_id_if_assigned() AND NOT r.active)
    THEN
      RAISE EXCEPTION 'the restaurant is suspended' USING ERRCODE = 'HA403';
    END IF;
  END IF;
END $$;

-- What a node must know to refuse tokens and subscriptions by itself, as of one moment: the head of access:log, the
-- changes of the time that an access token lives, and the restaurants that are suspended.
CREATE FUNCTION app.access_state(lifetime interval) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
BEGIN
  RETURN jsonb_build_object(
    'head', coalesce((SELECT c.head FROM hub.channel AS c WHERE c.name = 'access:log'), 0),
    'changes', (
      SELECT coalesce(jsonb_agg(jsonb_build_object('id', e.id, 'name', e.name, 'data', e.data) ORDER BY e."offset"), '[]')
      FROM hub.event AS e WHERE e.channel = 'access:log' AND e.at > now() - lifetime),
    'suspended', (SELECT coalesce(jsonb_agg(r.id), '[]') FROM app.restaurant AS r WHERE NOT r.active));
END $$;

REVOKE EXECUTE ON FUNCTION app.publish_access(text[], text, jsonb), app.end_sessions(uuid, uuid, text),
  app.sessions_ended(), app.user_changed(), app.membership_changed(), app.device_removed(), app.restaurant_turned()
  FROM PUBLIC;
