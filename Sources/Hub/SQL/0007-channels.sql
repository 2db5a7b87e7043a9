-- Whether a channel has something behind it, asked before a socket is accepted for it.
CREATE FUNCTION app.channel_exists(kind text, id text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT CASE
    WHEN kind IN ('restaurant', 'kitchen', 'pos', 'payments')
      THEN EXISTS (SELECT FROM app.restaurant AS r WHERE r.id = channel_exists.id::uuid)
    WHEN kind = 'ramp' THEN EXISTS (SELECT FROM app.ramp AS r WHERE r.id = channel_exists.id::uuid)
    ELSE kind = 'platform'
  END;
END;
