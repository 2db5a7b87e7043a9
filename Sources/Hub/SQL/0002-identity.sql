-- Who may sign in, and what is remembered of requests.
--
-- 1. Business tables live in schema app; a table's name is its row's name, also where that is a word of SQL (app.user,
--    app.order): behind the schema's name it needs no quotes.
-- 2. Text that machines compare (addresses, states, codes) is COLLATE "C": the same on every machine, and cheapest.
-- 3. A session is one sign-in. Only its newest refresh token is good: using it replaces refresh_id in one guarded
--    statement, and using an older one again ends the whole session (domain.md §1).
-- 4. Ended sessions keep their row until they would have expired, so that "revoked" can be told from "never was".
CREATE SCHEMA app;

CREATE TABLE app.user (
  id uuid PRIMARY KEY,
  email text COLLATE "C" NOT NULL UNIQUE CHECK (email = lower(email) AND octet_length(email) BETWEEN 3 AND 254),
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
  role text COLLATE "C" NOT NULL CHECK (role IN ('platform_owner', 'restaurant_owner', 'manager', 'employee')),
  password_hash text COLLATE "C" NOT NULL,
  active boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now()
);

-- The restaurants a user belongs to; a platform owner needs none. The restaurant's side of the key comes with 0003.
CREATE TABLE app.membership (
  user_id uuid NOT NULL REFERENCES app.user,
  restaurant_id uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, restaurant_id)
);
CREATE INDEX membership_restaurant ON app.membership (restaurant_id);

-- A kitchen screen or a till; it belongs to one restaurant for as long as it is not removed.
CREATE TABLE app.device (
  id uuid PRIMARY KEY,
  restaurant_id uuid NOT NULL,
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('kitchen', 'till')),
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
  created_at timestamptz NOT NULL DEFAULT now(),
  removed_at timestamptz
);
CREATE INDEX device_restaurant ON app.device (restaurant_id) WHERE removed_at IS NULL;

CREATE TABLE app.session (
  id uuid PRIMARY KEY,
  user_id uuid REFERENCES app.user,
  device_id uuid REFERENCES app.device,
  -- The id inside the newest refresh token, and how many there have been.
  refresh_id uuid NOT NULL,
  rotations integer NOT NULL DEFAULT 0 CHECK (rotations >= 0),
  created_at timestamptz NOT NULL DEFAULT now(),
  refreshed_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz,
  revoked_reason text COLLATE "C" CHECK (revoked_reason IN ('logout', 'refresh_reused', 'removed', 'role_changed')),
  CHECK (num_nonnulls(user_id, device_id) = 1),
  CHECK ((revoked_at IS NULL) = (revoked_reason IS NULL))
);
CREATE INDEX session_of_user ON app.session (user_id) WHERE revoked_at IS NULL;
CREATE INDEX session_of_device ON app.session (device_id) WHERE revoked_at IS NULL AND device_id IS NOT NULL;
CREATE INDEX session_expiry ON app.session (expires_at);

-- Answers to commands that carried an Idempotency-Key, kept for 24 hours. The row is inserted first, in the command's
-- own transaction; status stays null until that transaction has its answer, so a committed row always has one.
CREATE TABLE app.idempotency_key (
  caller text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL CHECK (octet_length(key) BETWEEN 1 AND 255),
  -- What the key was used for: a digest of method, path and body.
  fingerprint text COLLATE "C" NOT NULL,
  status integer CHECK (status BETWEEN 200 AND 599),
  body text,
  offsets jsonb,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (caller, key)
);
CREATE INDEX idempotency_key_age ON app.idempotency_key (created_at);

-- {"id","email","name","role","restaurants"} of a user who may sign in; null for everybody else.
CREATE FUNCTION app.user_document(identifier uuid) RETURNS jsonb LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
  RETURN (
    SELECT jsonb_build_object(
      'id', u.id, 'email', u.email, 'name', u.name, 'role', u.role,
      'restaurants', coalesce(
        (SELECT jsonb_agg(m.restaurant_id ORDER BY m.restaurant_id) FROM app.membership AS m WHERE m.user_id = u.id),
        '[]'))
    FROM app.user AS u WHERE u.id = identifier AND u.active);
END $$;

-- The same of a device, whose role is its kind.
CREATE FUNCTION app.device_document(identifier uuid) RETURNS jsonb LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
  RETURN (
    SELECT jsonb_build_object(
      'id', d.id, 'email', NULL, 'name', d.name, 'role', d.kind, 'restaurants', jsonb_build_array(d.restaurant_id))
    FROM app.device AS d WHERE d.id = identifier AND d.removed_at IS NULL);
END $$;
