-- How long the log lasts, and how it knows that it has become another one (docs/decisions/0014).
--
-- 1. Days are made ahead and dropped whole. Both take a lock that publishers need (the default partition's, the log's)
--    for as long as a catalog change takes, and give up after a tenth of a second: a report or a backup that reads the
--    log for an hour must not make publishers wait in line behind us. Whoever called tries again a minute later.
-- 2. DETACH CONCURRENTLY would wait without that lock, but Postgres refuses it where there is a default partition, and
--    without one a commit would fail when nobody has made its day.
-- 3. The epoch remembers where it was written: the cluster, its timeline, the database, the table, the transaction. A
--    dump, a copy and a backup carry the row elsewhere, and there it gives itself away.
CREATE OR REPLACE FUNCTION hub.ensure_partitions(days_ahead integer DEFAULT 7) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog SET lock_timeout = '100ms' AS $$
DECLARE
  today CONSTANT date := (now() AT TIME ZONE 'UTC')::date;
  day date;
  partition text;
BEGIN
  -- Another node is at it.
  IF NOT pg_try_advisory_xact_lock(hashtext('hub.ensure_partitions')) THEN
    RETURN;
  END IF;
  FOR day IN SELECT generate_series(today, today + days_ahead, interval '1 day')::date LOOP
    partition := format('event_%s', to_char(day, 'YYYYMMDD'));
    -- What is in the default partition already stays there, with the others of its day.
    CONTINUE WHEN to_regclass('hub.' || partition) IS NOT NULL OR EXISTS (
      SELECT FROM hub.event_default AS e
      WHERE e.at >= day::timestamp AT TIME ZONE 'UTC' AND e.at < (day + 1)::timestamp AT TIME ZONE 'UTC');
    BEGIN
      -- Made apart and attached, which locks the default partition, and not the log.
      EXECUTE format('CREATE TABLE hub.%I (LIKE hub.event INCLUDING ALL)', partition);
      EXECUTE format('ALTER TABLE hub.event ATTACH PARTITION hub.%I FOR VALUES FROM (%L) TO (%L)',
        partition, day::text || ' 00:00:00+00', (day + 1)::text || ' 00:00:00+00');
    EXCEPTION WHEN check_violation THEN
      -- The day's first event has just gone there.
      NULL;
    END;
  END LOOP;
END $$;

-- Drops the oldest day whose events are all older than so many days; answers its name, or null when there is none.
CREATE FUNCTION hub.drop_old_partition(keep_days integer) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog SET lock_timeout = '100ms' AS $$
DECLARE
  oldest text;
BEGIN
  IF keep_days < 1 THEN
    RAISE EXCEPTION 'hub.drop_old_partition: keep at least one day' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF NOT pg_try_advisory_xact_lock(hashtext('hub.drop_old_partition')) THEN
    RETURN NULL;
  END IF;
  SELECT c.relname INTO oldest FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
  WHERE i.inhparent = 'hub.event'::regclass AND c.relname ~ '^event_[0-9]{8}$'
    AND c.relname < 'event_' || to_char((now() AT TIME ZONE 'UTC')::date - keep_days, 'YYYYMMDD')
  ORDER BY c.relname LIMIT 1;
  IF oldest IS NOT NULL THEN
    EXECUTE format('DROP TABLE hub.%I', oldest);
  END IF;
  RETURN oldest;
END $$;

-- Takes from the default partition what is as old, the oldest first; answers how many events.
CREATE FUNCTION hub.trim_default_partition(keep_days integer, at_most integer DEFAULT 10000) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  trimmed bigint;
BEGIN
  DELETE FROM hub.event_default WHERE ctid = ANY (ARRAY(
    SELECT e.ctid FROM hub.event_default AS e
    WHERE e.at < ((now() AT TIME ZONE 'UTC')::date - greatest(keep_days, 1)) AT TIME ZONE 'UTC'
    ORDER BY e.at LIMIT at_most));
  GET DIAGNOSTICS trimmed = ROW_COUNT;
  RETURN trimmed;
END $$;

-- Sessions that nobody can go on with, and stored answers of commands that nobody repeats any more; answers how many
-- rows went. An access token of an expired session has expired long before it.
CREATE FUNCTION app.forget_expired(at_most integer DEFAULT 10000) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  sessions bigint;
  keys bigint;
BEGIN
  DELETE FROM app.session WHERE ctid = ANY (ARRAY(
    SELECT s.ctid FROM app.session AS s WHERE s.expires_at < now() - interval '1 hour' LIMIT at_most));
  GET DIAGNOSTICS sessions = ROW_COUNT;
  DELETE FROM app.idempotency_key WHERE ctid = ANY (ARRAY(
    SELECT k.ctid FROM app.idempotency_key AS k WHERE k.created_at < now() - interval '24 hours' LIMIT at_most));
  GET DIAGNOSTICS keys = ROW_COUNT;
  RETURN sessions + keys;
END $$;

-- The log's identity.
ALTER TABLE hub.epoch ADD COLUMN origin text, ADD COLUMN written_by xid8;

-- Where this log lives. The timeline is that of the WAL being written, which the control file learns of only later.
CREATE FUNCTION hub.origin() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  cluster text := '-';
BEGIN
  BEGIN
    cluster := (SELECT system_identifier FROM pg_control_system()) || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8);
  EXCEPTION WHEN insufficient_privilege OR object_not_in_prerequisite_state THEN
    -- A service that hides its cluster: what is left tells of dumps and copies, not of backups put back as files.
    NULL;
  END;
  RETURN cluster || '/' || (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
    || '/' || 'hub.epoch'::regclass::oid;
END $$;

-- A change in place, by whomever, is made here; a restore inserts, and is not taken for one.
CREATE FUNCTION hub.epoch_changed() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  new.origin := hub.origin();
  new.written_by := pg_current_xact_id();
  RETURN new;
END $$;

CREATE TRIGGER epoch_changed BEFORE UPDATE ON hub.epoch FOR EACH ROW EXECUTE FUNCTION hub.epoch_changed();

-- Makes the log another one: what clients remember of it counts no more, and each is given a snapshot. With `from`, only
-- if that is still its epoch.
CREATE FUNCTION hub.change_epoch("from" text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  UPDATE hub.epoch AS e SET epoch = replace(left(gen_random_uuid()::text, 13), '-', ''), since = now()
  WHERE e.epoch = coalesce("from", e.epoch);
  RETURN (SELECT epoch FROM hub.epoch);
END $$;

-- The epoch, changed first when the row was not written here: its transaction's number is the row's own (xmin) only
-- where it was written.
CREATE FUNCTION hub.current_epoch() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  written record;
BEGIN
  SELECT e.epoch, e.origin = hub.origin() AND e.xmin = e.written_by::xid AS here
  INTO written FROM hub.epoch AS e;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'hub.epoch is empty: the log is being restored' USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  IF written.here THEN
    RETURN written.epoch;
  END IF;
  RETURN hub.change_epoch(written.epoch);
END $$;

SELECT hub.change_epoch();

REVOKE EXECUTE ON FUNCTION hub.ensure_partitions(integer), hub.drop_old_partition(integer),
  hub.trim_default_partition(integer, integer), app.forget_expired(integer), hub.origin(), hub.epoch_changed(),
  hub.change_epoch(text), hub.current_epoch() FROM PUBLIC;
