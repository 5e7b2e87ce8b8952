-- The ledger: one dense order of events, append-only, written by one function.
--
-- How to add a migration: a new file NNNN_name.sql with the next number; it runs once, in one transaction, as
-- certferry_owner. Never change a file that was released: its checksum is recorded. Grant what the service needs
-- to certferry_app in the same file. No extension may be required.

CREATE SCHEMA ledger;
GRANT USAGE ON SCHEMA ledger TO certferry_app;

-- The event store library's five columns first. `notification_id` is the position: dense from 1, no sequence.
-- No CHECK constraints: each is compiled anew for every batch; ledger.append is the only writer.
-- `leaf` holds the exact bytes of the Merkle leaf; its hash is SHA-256(0x00 || leaf), RFC 6962 section 2.1.
CREATE TABLE ledger.events (
    originator_id uuid NOT NULL,
    originator_version bigint NOT NULL,
    topic text NOT NULL,
    state bytea NOT NULL,
    notification_id bigint NOT NULL,
    actor text NOT NULL,
    correlation_id uuid NOT NULL,
    recorded_at timestamptz NOT NULL,
    salt bytea NOT NULL,
    leaf bytea NOT NULL,
    PRIMARY KEY (originator_id, originator_version),
    CONSTRAINT events_position UNIQUE (notification_id)
);

-- The end of the ledger. Not a row of its own that every batch would update: while somebody keeps an old snapshot (a
-- backup, an export) no version of such a row can be removed, and appending gets slower with every batch.
CREATE VIEW ledger.head AS SELECT coalesce(max(notification_id), 0) AS position FROM ledger.events;

-- Accepted commands: what makes a repeated command harmless.
CREATE TABLE ledger.commands (
    command_id uuid PRIMARY KEY,
    body_sha256 bytea NOT NULL,
    first_position bigint NOT NULL,
    last_position bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    answer bytea
);

CREATE FUNCTION ledger.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: % on %.% is refused', tg_op, tg_table_schema, tg_table_name
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ledger.events
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER append_only_all BEFORE TRUNCATE ON ledger.events
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ledger.commands
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER append_only_all BEFORE TRUNCATE ON ledger.commands
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
-- Appends a batch of commands, each whole or not at all, in one transaction, in the order given.
--
-- Per command: id, SHA-256 of its body, stored answer, and the number of events up to and including its own.
-- Per change, ordered by command: the command's number (from 1), the stream, the version it must be at (null: append
-- at the end, whatever it is; -1: a new stream whose versions start at 0, as the event store library allows) and how
-- many events it appends (0: an assertion).
-- Per event, ordered by change: topic, payload, salt, actor, correlation id and the leaf as far as the client knows it.
-- `doubtful`: the numbers of commands that share an id or a stream with another one of the batch, null for none. (They
-- are decided one after the other. A caller who conceals one violates a unique index, and nothing is appended.)
--
-- Answers the position before the batch and the batch's instant. `outcomes` is null when every command was accepted;
-- else one per command: 0 accepted, 1 accepted earlier, 2 its id was used with another body, 3 a stream is at another
-- version; `firsts` are then the first positions of the accepted ones.
--
-- Everything is read and written under one lock, by statements that each see what the lock's last holder committed.
-- The usual batch (nothing doubtful, nothing known, no stale version) takes one turn of the loop.
CREATE FUNCTION ledger.append(
    command_ids uuid[], bodies bytea[], answers bytea[], command_ends int[],
    change_commands int[], streams uuid[], expected bigint[], change_events int[],
    topics text[], states bytea[], salts bytea[], actors text[], correlations uuid[], heads bytea[],
    doubtful int[],
    OUT base bigint, OUT at timestamptz, OUT outcomes smallint[], OUT firsts bigint[]
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ledger, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    commands_given int := coalesce(cardinality(command_ids), 0);
    events_given int := coalesce(cardinality(topics), 0);
    suspects int[] := doubtful;
    event_changes int[];  -- null: every change has one event
    event_ranks int[];
    bases bigint[];       -- per change: the version before its first event
    tip bigint;           -- the last position so far
    instant text;
    lo int := 1;          -- this turn appends the commands lo to hi
    hi int;
    start int;            -- the number of events before lo's
    known_body bytea;
    done boolean;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'ledger.append needs READ COMMITTED: an older snapshot would not see the streams as they are'
            USING ERRCODE = 'feature_not_supported';
    END IF;
    IF commands_given > 0 AND command_ends[commands_given] IS DISTINCT FROM events_given THEN
        RAISE EXCEPTION 'the numbers of events contradict each other' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(7163384699739501);
    SELECT e.notification_id, greatest(e.recorded_at, clock_timestamp()) INTO base, at
        FROM events e ORDER BY e.notification_id DESC LIMIT 1;
    IF NOT FOUND THEN
        base := 0;
        at := clock_timestamp();
    END IF;
    tip := base;
    instant := ',"recorded_at":"' || to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"}';

    IF NOT 1 = ALL (change_events) THEN
        SELECT array_agg(u.c::int ORDER BY u.c, g), array_agg(g ORDER BY u.c, g) INTO event_changes, event_ranks
            FROM unnest(change_events) WITH ORDINALITY u(n, c), generate_series(1, u.n) g;
    END IF;

    -- Is any command known, any stream at another version? Then which?
    PERFORM FROM commands k WHERE k.command_id = ANY (command_ids) LIMIT 1;
    IF FOUND THEN
        SELECT array_agg(c) INTO suspects FROM (
            SELECT unnest(suspects) UNION
            SELECT u.c::int FROM unnest(command_ids) WITH ORDINALITY u(id, c)
                WHERE (SELECT true FROM commands k WHERE k.command_id = u.id LIMIT 1)) s(c);
    END IF;
    IF 0 = ALL (expected) THEN
        PERFORM FROM events e WHERE e.originator_id = ANY (streams) LIMIT 1;
    ELSE
        PERFORM FROM unnest(streams, expected) u(stream, version)
            WHERE u.version <> coalesce((SELECT e.originator_version FROM events e WHERE e.originator_id = u.stream
                                         ORDER BY e.originator_version DESC LIMIT 1), least(u.version, 0)) LIMIT 1;
    END IF;
    IF FOUND THEN
        SELECT array_agg(c) INTO suspects FROM (
            SELECT unnest(suspects) UNION
            SELECT u.c FROM unnest(change_commands, streams, expected) u(c, stream, version)
                WHERE u.version <> coalesce((SELECT e.originator_version FROM events e WHERE e.originator_id = u.stream
                                             ORDER BY e.originator_version DESC LIMIT 1), least(u.version, 0))) s(c);
    END IF;
    IF suspects IS NOT NULL THEN
        outcomes := array_fill(0::smallint, ARRAY[commands_given]);
        firsts := array_fill(0::bigint, ARRAY[commands_given]);
    END IF;

    WHILE lo <= commands_given LOOP
        hi := commands_given;
        start := coalesce(command_ends[lo - 1], 0);
        IF suspects IS NOT NULL THEN
            IF lo = ANY (suspects) THEN
                hi := lo;
                SELECT k.body_sha256 INTO known_body FROM commands k WHERE k.command_id = command_ids[lo];
                IF FOUND THEN
                    outcomes[lo] := CASE WHEN known_body = bodies[lo] THEN 1 ELSE 2 END;
                ELSIF EXISTS (
                    SELECT FROM unnest(change_commands, streams, expected) u(c, stream, version)
                    WHERE u.c = lo AND u.version <> coalesce((
                        SELECT e.originator_version FROM events e WHERE e.originator_id = u.stream
                        ORDER BY e.originator_version DESC LIMIT 1), least(u.version, 0))) THEN
                    outcomes[lo] := 3;
                END IF;
            ELSE
                SELECT coalesce(min(s) - 1, commands_given) INTO hi FROM unnest(suspects) s WHERE s > lo;
            END IF;
            IF outcomes[lo] <> 0 THEN
                lo := lo + 1;
                CONTINUE;
            END IF;
            FOR c IN lo..hi LOOP
                firsts[c] := tip - start + CASE WHEN command_ends[c] > coalesce(command_ends[c - 1], 0)
                                                THEN coalesce(command_ends[c - 1], 0) + 1 ELSE command_ends[c] END;
            END LOOP;
        END IF;

        bases := expected;
        IF array_position(expected, NULL) IS NOT NULL THEN
            SELECT array_agg(coalesce(x.version, x.now + x.before) ORDER BY x.o) INTO bases FROM (
                SELECT u.o, u.version,
                       coalesce((SELECT e.originator_version FROM events e WHERE e.originator_id = u.stream
                                 ORDER BY e.originator_version DESC LIMIT 1), 0) AS now,
                       coalesce(sum(u.n) FILTER (WHERE u.c BETWEEN lo AND hi) OVER (
                           PARTITION BY u.stream ORDER BY u.o
                           ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
                FROM unnest(change_commands, streams, expected, change_events)
                    WITH ORDINALITY u(c, stream, version, n, o)) x;
        END IF;

        INSERT INTO events (originator_id, originator_version, topic, state, notification_id, actor, correlation_id,
                            recorded_at, salt, leaf)
        SELECT streams[u.change], u.version, topics[u.i], states[u.i], u.place, actors[u.i], correlations[u.i], at,
               salts[u.i],
               heads[u.i] || convert_to(',"version":' || u.version || ',"position":' || u.place || instant, 'UTF8')
        FROM (SELECT i, coalesce(event_changes[i], i) AS change, tip - start + i AS place,
                     bases[coalesce(event_changes[i], i)] + coalesce(event_ranks[i], 1) AS version
              FROM generate_series(start + 1, command_ends[hi]) i) u;

        INSERT INTO commands (command_id, body_sha256, first_position, last_position, recorded_at, answer)
        SELECT command_ids[c], bodies[c],
               tip - start + CASE WHEN command_ends[c] > coalesce(command_ends[c - 1], 0)
                                  THEN coalesce(command_ends[c - 1], 0) + 1 ELSE command_ends[c] END,
               tip - start + command_ends[c], at, answers[c]
        FROM generate_series(lo, hi) c;

        tip := tip + command_ends[hi] - start;
        lo := hi + 1;
    END LOOP;

    IF tip > base THEN
        PERFORM pg_notify('ledger', tip::text);
    ELSIF outcomes IS NOT NULL THEN
        -- Nothing to write, but something to commit: so the answer to a repeat waits for the same flush (and standby) as
        -- the first one did.
        PERFORM pg_logical_emit_message(true, 'certferry', '');
    END IF;
END
$$;

REVOKE ALL ON FUNCTION ledger.append FROM PUBLIC;
REVOKE ALL ON FUNCTION ledger.refuse_change FROM PUBLIC;
GRANT SELECT ON ledger.head, ledger.events, ledger.commands TO certferry_app;
GRANT EXECUTE ON FUNCTION ledger.append TO certferry_app;
