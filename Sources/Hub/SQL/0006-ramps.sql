-- Ramps, as far as their progress page needs them: a row with a phase. The rules of quotes, phases and transactions
-- come with the service that executes ramps; whoever writes the row, its listeners are told by the trigger.
CREATE TABLE app.ramp (
  id uuid PRIMARY KEY,
  phase text COLLATE "C" NOT NULL DEFAULT 'initiated' CHECK (phase ~ '^[a-z][a-z_]{0,39}$'),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE FUNCTION app.ramp_document(identifier uuid) RETURNS jsonb LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
  RETURN (
    SELECT jsonb_build_object('id', r.id, 'phase', r.phase, 'updated_at', hub.instant(r.updated_at))
    FROM app.ramp AS r WHERE r.id = identifier);
END $$;

CREATE FUNCTION app.ramp_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  new.updated_at := clock_timestamp();
  PERFORM hub.publish('ramp:' || new.id, 'ramp.phase_changed', jsonb_build_object(
    'id', new.id, 'from', old.phase, 'phase', new.phase, 'updated_at', hub.instant(new.updated_at)));
  RETURN new;
END $$;

CREATE TRIGGER ramp_moved BEFORE UPDATE ON app.ramp
FOR EACH ROW WHEN (old.phase IS DISTINCT FROM new.phase) EXECUTE FUNCTION app.ramp_moved();
