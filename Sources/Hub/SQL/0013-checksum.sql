-- What a screen can check its own state by.
--
-- The sum of a kitchen is taken over its open tickets' ids and versions, in no order: each ticket counts with the last 32
-- bits of its id (random in a UUID of version 7) times 2·version+1, all modulo 2^32, written as eight hex digits. A screen
-- computes it in a few lines (clients/js/checksum.js) and knows whether its fold of events is the hub's state.
CREATE FUNCTION app.kitchen_sum(restaurant uuid) RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
  RETURN (
    SELECT lpad(to_hex((coalesce(sum(
      (('x' || right(t.id::text, 8))::bit(32)::bigint * (2 * t.version + 1)) & 4294967295), 0) % 4294967296)::bigint), 8, '0')
    FROM app.ticket AS t WHERE t.restaurant_id = restaurant AND t.open);
END $$;
