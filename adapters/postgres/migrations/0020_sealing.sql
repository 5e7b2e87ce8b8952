-- What proves the ledger: the Merkle tree over its leaves, and the checkpoints that were signed over it.
--
-- Only `certferry seal` writes here, as certferry_sealer, through the functions below; the service reads. The role is
-- made with the others (adapters/postgres/roles.py), before `certferry migrate`.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'certferry_sealer') THEN
        RAISE EXCEPTION 'the role certferry_sealer is missing'
            USING HINT = 'Create it as a superuser: CREATE ROLE certferry_sealer LOGIN PASSWORD ''...''',
                  ERRCODE = 'undefined_object';
    END IF;
END
$$;

-- The full tiles of C2SP tlog-tiles. `nodes` holds 510 hashes: the tile's own 256, then the 128 above them, and so on
-- down to the 2 below its root, so that a proof hashes nothing. `root` is one hash of the tile above. The partial tiles
-- at the right edge follow from leaves and roots.
CREATE TABLE ledger.tiles (
    level smallint NOT NULL,
    number bigint NOT NULL,
    nodes bytea NOT NULL,
    root bytea NOT NULL,
    PRIMARY KEY (level, number)
);
ALTER TABLE ledger.tiles ALTER COLUMN nodes SET STORAGE EXTERNAL;  -- hashes cannot be compressed

-- Checkpoints (C2SP tlog-checkpoint), dense from 1. The same size may come twice, when keys changed in between.
CREATE TABLE ledger.checkpoints (
    number bigint PRIMARY KEY,
    size bigint NOT NULL,
    root bytea NOT NULL,
    note text NOT NULL,
    sealed_at timestamptz NOT NULL
);
CREATE INDEX checkpoints_size ON ledger.checkpoints (size, number);

-- What others said of a checkpoint: signature lines of witnesses (C2SP tlog-cosignature), and time stamps (RFC 3161).
CREATE TABLE ledger.cosignatures (
    checkpoint bigint NOT NULL REFERENCES ledger.checkpoints,
    line text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (checkpoint, line)
);
CREATE TABLE ledger.timestamps (
    checkpoint bigint PRIMARY KEY REFERENCES ledger.checkpoints,
    answer bytea NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now()
);

-- The keys that checkpoints are signed with: when each was taken into use and out of it.
CREATE TABLE ledger.log_keys (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    vkey text NOT NULL,
    used boolean NOT NULL,
    size bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);

-- Sealing stops for good at the first mismatch; only the owner lets it go on.
CREATE TABLE ledger.sealing_stops (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stopped boolean NOT NULL,
    position bigint,
    reason text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['tiles', 'checkpoints', 'cosignatures', 'timestamps', 'log_keys', 'sealing_stops'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ledger.%I
                        FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change()', name);
        EXECUTE format('CREATE TRIGGER append_only_all BEFORE TRUNCATE ON ledger.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change()', name);
        EXECUTE format('GRANT SELECT ON ledger.%I TO certferry_app, certferry_sealer', name);
    END LOOP;
END
$$;

-- How far the self-check has come in its present pass, when the last one ended, and which checkpoint could not be sent
-- out: signs of life, not history.
CREATE TABLE ops.sealing (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    seen_at timestamptz NOT NULL,
    checked_size bigint NOT NULL DEFAULT 0,
    passed_at timestamptz,
    trouble text
);
GRANT SELECT ON ops.sealing TO certferry_app;
GRANT SELECT, INSERT, UPDATE ON ops.sealing TO certferry_sealer;

-- Why sealing is stopped, null while it is not.
CREATE FUNCTION ledger.sealing_stop() RETURNS text LANGUAGE sql STABLE
SET search_path = ledger, pg_temp
AS $$
    SELECT CASE WHEN s.stopped THEN s.reason END FROM sealing_stops s ORDER BY s.number DESC LIMIT 1
$$;

-- Stores the next checkpoint with the tiles that became full since the one before: compare and swap.
--
-- `expected` is the number of the checkpoint that the caller built on, 0 for none. Null is answered, and nothing
-- stored, when there is another one by now. Everything else that does not fit is an error.
CREATE FUNCTION ledger.seal(
    expected bigint, new_size bigint, new_root bytea, new_note text,
    levels smallint[], numbers bigint[], nodes bytea[], roots bytea[],
    OUT sealed bigint
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ledger, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    latest checkpoints%ROWTYPE;
BEGIN
    PERFORM pg_advisory_xact_lock(7163384699739503);
    IF sealing_stop() IS NOT NULL THEN
        RAISE EXCEPTION 'sealing is stopped: %', sealing_stop() USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    SELECT * INTO latest FROM checkpoints ORDER BY number DESC LIMIT 1;
    IF coalesce(latest.number, 0) <> expected THEN
        RETURN;
    END IF;
    IF new_size < coalesce(latest.size, 0) OR (new_size = latest.size AND new_root <> latest.root)
       OR new_size > (SELECT position FROM head) THEN
        RAISE EXCEPTION 'a checkpoint of % events does not follow on one of %', new_size, coalesce(latest.size, 0)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF split_part(new_note, E'\n', 2) <> new_size::text
       OR split_part(new_note, E'\n', 3) <> encode(new_root, 'base64') THEN
        RAISE EXCEPTION 'the note says something else than size and root' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF EXISTS (
        SELECT l, n FROM generate_series(0, 6) l,
            generate_series(coalesce(latest.size, 0) >> 8 * (l + 1), (new_size >> 8 * (l + 1)) - 1) n
        EXCEPT SELECT t.l, t.n FROM unnest(levels, numbers) t(l, n))
       OR (SELECT count(*) FROM generate_series(0, 6) l,
            generate_series(coalesce(latest.size, 0) >> 8 * (l + 1), (new_size >> 8 * (l + 1)) - 1) n)
          <> coalesce(cardinality(levels), 0) THEN
        RAISE EXCEPTION 'these are not the tiles between % and % events', coalesce(latest.size, 0), new_size
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    INSERT INTO tiles (level, number, nodes, root)
        SELECT t.l, t.n, t.nodes, t.root FROM unnest(levels, numbers, nodes, roots) t(l, n, nodes, root);
    sealed := expected + 1;
    INSERT INTO checkpoints (number, size, root, note, sealed_at)
        VALUES (sealed, new_size, new_root, new_note, clock_timestamp());
    PERFORM pg_notify('ledger_sealed', new_size::text);
END
$$;

CREATE FUNCTION ledger.cosign(checkpoint bigint, line text) RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = ledger, pg_temp
AS $$
    INSERT INTO cosignatures (checkpoint, line) VALUES (cosign.checkpoint, cosign.line) ON CONFLICT DO NOTHING
$$;

CREATE FUNCTION ledger.stamp(checkpoint bigint, answer bytea) RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = ledger, pg_temp
AS $$
    INSERT INTO timestamps (checkpoint, answer) VALUES (stamp.checkpoint, stamp.answer) ON CONFLICT DO NOTHING
$$;

-- Notes which keys sign from now on; those of before that are not among them are out of use.
CREATE FUNCTION ledger.note_keys(vkeys text[]) RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = ledger, pg_temp
AS $$
    WITH known AS (SELECT DISTINCT ON (vkey) vkey, used FROM log_keys ORDER BY vkey, number DESC),
         size AS (SELECT coalesce(max(size), 0) AS size FROM checkpoints)
    INSERT INTO log_keys (vkey, used, size)
    SELECT changed.vkey, changed.used, size.size FROM size, (
        SELECT v AS vkey, true AS used FROM unnest(vkeys) v
            WHERE NOT EXISTS (SELECT FROM known k WHERE k.vkey = v AND k.used)
        UNION ALL SELECT k.vkey, false FROM known k WHERE k.used AND k.vkey <> ALL (vkeys)) changed
$$;

CREATE FUNCTION ledger.stop_sealing(at_position bigint, reason text) RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = ledger, pg_temp
AS $$
    INSERT INTO sealing_stops (stopped, position, reason) SELECT true, at_position, reason WHERE sealing_stop() IS NULL
$$;

-- For the owner alone, when somebody has found out what it was and says so.
CREATE FUNCTION ledger.resume_sealing(reason text) RETURNS void LANGUAGE sql
SET search_path = ledger, pg_temp
AS $$
    INSERT INTO sealing_stops (stopped, reason) SELECT false, reason WHERE sealing_stop() IS NOT NULL
$$;

REVOKE ALL ON FUNCTION ledger.sealing_stop, ledger.seal, ledger.cosign, ledger.stamp, ledger.note_keys,
    ledger.stop_sealing, ledger.resume_sealing FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger.sealing_stop TO certferry_app, certferry_sealer;
GRANT EXECUTE ON FUNCTION ledger.seal, ledger.cosign, ledger.stamp, ledger.note_keys, ledger.stop_sealing
    TO certferry_sealer;
GRANT USAGE ON SCHEMA ledger, ops TO certferry_sealer;
GRANT SELECT ON ops.migrations TO certferry_sealer;
GRANT SELECT ON ledger.head, ledger.events TO certferry_sealer;

-- PostgreSQL looks into `public` for everybody; databases made before version 15 let everybody make things there.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
