-- What must happen by a time: a row, written in the transaction that made it due.
--
-- 1. Any node claims what is due (FOR UPDATE SKIP LOCKED), acts, and removes the row in the same transaction in which it
--    publishes what follows. A node that is killed midway has done nothing, and the row is still there for another; two
--    nodes never act on one row.
-- 2. What a kind does is an SQL function, so acting is atomic with the row and every node of whatever version does the
--    same. It is given the row and answers with the row to keep (for another time), or with null when it is done.
-- 3. A handler that fails is undone alone (a savepoint); its row is kept, counts the attempt and waits longer each time.
--    A handler should not wait for locks: SKIP LOCKED and coming back soon keeps the others' alarms in time. One that
--    waits all the same fails after half a second.
-- 4. Times are the database's. A row is never early; how late it is, is measured (hub_deadline_late_seconds).
CREATE TABLE hub.deadline_kind (
  kind text COLLATE "C" PRIMARY KEY,
  -- A function (hub.deadline) → hub.deadline, with its schema.
  handler text COLLATE "C" NOT NULL CHECK (handler ~ '^[a-z_]+\.[a-z_]+$')
);

CREATE TABLE hub.deadline (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- No foreign key: it would lock the kind's row in every transaction that sets a deadline.
  kind text COLLATE "C" NOT NULL,
  subject uuid NOT NULL,
  due_at timestamptz NOT NULL,
  data jsonb NOT NULL DEFAULT '{}',
  -- How often it has failed, and why the last time; both are emptied by a success.
  attempts integer NOT NULL DEFAULT 0,
  failure text,
  UNIQUE (kind, subject)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
CREATE INDEX deadline_due ON hub.deadline (due_at);

-- How many seconds until the next one is due (negative: since it has been), and how many are due, at most a thousand;
-- nulls when there is none. It only reads, so nodes may ask as often as they like.
CREATE FUNCTION hub.next_deadline(OUT seconds double precision, OUT due bigint)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
DECLARE
  moment CONSTANT timestamptz := clock_timestamp();
BEGIN
  SELECT extract(epoch FROM min(d.due_at) - moment) INTO seconds FROM hub.deadline AS d;
  due := 0;
  IF seconds <= 0 THEN
    SELECT count(*) INTO due FROM (SELECT FROM hub.deadline AS d WHERE d.due_at <= moment LIMIT 1000) AS counted;
  END IF;
END $$;

-- Acts on what is due, at most so many, oldest first; says of each how late it was and what went wrong, if anything did.
CREATE FUNCTION hub.fire_deadlines(most integer)
RETURNS TABLE (kind text, subject uuid, late double precision, attempts integer, failure text)
LANGUAGE plpgsql SET search_path = pg_catalog SET lock_timeout = '500ms' AS $$
#variable_conflict use_column
DECLARE
  moment CONSTANT timestamptz := clock_timestamp();
  claimed hub.deadline;
  kept hub.deadline;
BEGIN
  FOR claimed IN
    SELECT * FROM hub.deadline WHERE due_at <= moment ORDER BY due_at, id LIMIT most FOR UPDATE SKIP LOCKED
  LOOP
    kind := claimed.kind;
    subject := claimed.subject;
    late := extract(epoch FROM clock_timestamp() - claimed.due_at);
    attempts := claimed.attempts;
    failure := NULL;
    BEGIN
      EXECUTE (SELECT 'SELECT * FROM ' || handler || '($1)' FROM hub.deadline_kind WHERE kind = claimed.kind)
        INTO kept USING claimed;
      IF kept.id IS NULL THEN
        DELETE FROM hub.deadline WHERE id = claimed.id;
      ELSE
        -- Not in the past: one that came back at once for ever would let nobody else have a turn.
        UPDATE hub.deadline SET due_at = greatest(kept.due_at, clock_timestamp() + interval '10 milliseconds'),
          data = kept.data, attempts = 0, failure = NULL
        WHERE id = claimed.id;
      END IF;
    EXCEPTION WHEN OTHERS OR query_canceled THEN
      -- A statement that took too long (query_canceled) is somebody's handler, which must not stop the others.
      attempts := claimed.attempts + 1;
      failure := SQLSTATE || ' ' || SQLERRM;
      UPDATE hub.deadline AS d
      SET attempts = claimed.attempts + 1, failure = SQLSTATE || ' ' || SQLERRM,
        due_at = clock_timestamp() + least(interval '10 minutes', interval '1 second' * 2 ^ least(claimed.attempts, 10))
      WHERE d.id = claimed.id;
    END;
    RETURN NEXT;
  END LOOP;
END $$;

REVOKE EXECUTE ON FUNCTION hub.next_deadline(), hub.fire_deadlines(integer) FROM PUBLIC;
