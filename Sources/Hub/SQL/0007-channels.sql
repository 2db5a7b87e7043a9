-- Whether a channel has something behind it, asked before a socket is accepted for it. False for what is no id.
CREATE FUNCTION app.channel_exists(kind text, id text) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
  this CONSTANT uuid := CASE
    WHEN channel_exists.id ~ '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$' THEN channel_exists.id::uuid END;
BEGIN
  RETURN CASE
    WHEN kind IN ('restaurant', 'kitchen', 'pos', 'payments')
      THEN EXISTS (SELECT FROM app.restaurant AS r WHERE r.id = this)
    WHEN kind = 'ramp' THEN EXISTS (SELECT FROM app.ramp AS r WHERE r.id = this)
    ELSE kind = 'platform'
  END;
END $$;
