-- The ledger: one dense order of events, append-only, written by one function.
--
-- How to add a migration: a new file NNNN_name.sql with the next number; it runs once, in one transaction, as
-- certferry_owner. Never change a file that was released: its checksum is recorded. Grant what the service needs
-- to certferry_app in the same file. No extension may be required.

CREATE SCHEMA ledger;
GRANT USAGE ON SCHEMA ledger TO certferry_app;

-- The end of the ledger. One row; `recorded_at` never goes back, whatever the clock does.
CREATE TABLE ledger.head (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    position bigint NOT NULL,
    recorded_at timestamptz NOT NULL
) WITH (fillfactor = 10);
INSERT INTO ledger.head (position, recorded_at) VALUES (0, '-infinity');

-- The event store library's five columns first. `notification_id` is the position: dense from 1, no sequence.
-- `leaf` holds the exact bytes of the Merkle leaf; its hash is SHA-256(0x00 || leaf), RFC 6962 section 2.1.
CREATE TABLE ledger.events (
    originator_id uuid NOT NULL,
    originator_version bigint NOT NULL CHECK (originator_version >= 0),
    topic text NOT NULL,
    state bytea NOT NULL,
    notification_id bigint NOT NULL,
    actor text NOT NULL,
    correlation_id uuid NOT NULL,
    recorded_at timestamptz NOT NULL,
    salt bytea NOT NULL CHECK (octet_length(salt) = 16),
    leaf bytea NOT NULL CHECK (octet_length(leaf) <= 65535),
    PRIMARY KEY (originator_id, originator_version),
    CONSTRAINT events_position UNIQUE (notification_id)
);

-- Accepted commands: what makes a repeated command harmless.
CREATE TABLE ledger.commands (
    command_id uuid PRIMARY KEY,
    body_sha256 bytea NOT NULL CHECK (octet_length(body_sha256) = 32),
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
CREATE TRIGGER never_removed BEFORE DELETE ON ledger.head
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER never_removed_all BEFORE TRUNCATE ON ledger.head
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

-- Appends a batch of commands, each whole or not at all, in one transaction.
--
-- Per command: id, SHA-256 of its body, stored answer, and how many events it has.
-- Per change, ordered by command: the command's number (from 1), the stream, the version it must be at (null: append
-- at the end, whatever it is; -1: a new stream whose versions start at 0, as the event store library allows) and how
-- many events it appends (0: an assertion).
-- Per event, ordered by change: topic, payload, salt, actor, correlation id and the leaf as far as the client knows it.
--
-- Answers the position before the batch and the batch's instant. `outcomes` is null when every command was accepted
-- in the given order; else one per command: 0 accepted, 1 accepted earlier, 2 its id was used with another body,
-- 3 a stream is at another version; `firsts` are then the first positions of the accepted ones.
CREATE FUNCTION ledger.append(
    command_ids uuid[], bodies bytea[], answers bytea[], command_events int[],
    change_commands int[], streams uuid[], expected bigint[], change_events int[],
    topics text[], states bytea[], salts bytea[], actors text[], correlations uuid[], heads bytea[],
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
    tip bigint;         -- the last position so far
    suspects int[];     -- commands that have to be looked at one by one
    chosen int[];       -- the commands appended in this pass; null: all of them
    bases bigint[];     -- per change: the version before its first event
    event_changes int[];
    event_ranks int[];
    added bigint;
    instant text;
    known_body bytea;
    i int := 0;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'ledger.append needs READ COMMITTED: an older snapshot would not see the streams as they are'
            USING ERRCODE = 'feature_not_supported';
    END IF;
    PERFORM pg_advisory_xact_lock(7163384699739501);
    SELECT h.position, greatest(h.recorded_at, clock_timestamp()) INTO base, at FROM head h;
    tip := base;
    instant := ',"recorded_at":"' || to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"}';

    SELECT array_agg(u.c::int ORDER BY u.c, g), array_agg(g ORDER BY u.c, g) INTO event_changes, event_ranks
        FROM unnest(change_events) WITH ORDINALITY u(n, c), generate_series(1, u.n) g;

    -- Suspects: a known or doubled id, a stream at another version, a stream that several commands decide about.
    SELECT array_agg(DISTINCT s.c ORDER BY s.c) INTO suspects FROM (
        SELECT u.c::int FROM unnest(command_ids) WITH ORDINALITY u(id, c)
            WHERE (SELECT true FROM commands k WHERE k.command_id = u.id LIMIT 1)
        UNION ALL
        SELECT unnest(array_agg(u.c::int)) FROM unnest(command_ids) WITH ORDINALITY u(id, c)
            GROUP BY u.id HAVING count(*) > 1
        UNION ALL
        SELECT u.c FROM unnest(change_commands, streams, expected) u(c, stream, version)
            WHERE u.version <> coalesce((SELECT e.originator_version FROM events e WHERE e.originator_id = u.stream
                                         ORDER BY e.originator_version DESC LIMIT 1), least(u.version, 0))
        UNION ALL
        SELECT unnest(array_agg(u.c)) FROM unnest(change_commands, streams, expected, change_events)
            u(c, stream, version, n)
            GROUP BY u.stream HAVING count(*) > 1 AND bool_or(u.n > 0) AND bool_or(u.version IS NOT NULL)
    ) s;
    IF suspects IS NOT NULL THEN
        SELECT array_agg(c) INTO chosen FROM generate_subscripts(command_ids, 1) c WHERE c <> ALL (suspects);
        outcomes := array_fill(0::smallint, ARRAY[cardinality(command_ids)]);
    END IF;

    -- First everything that is beyond suspicion, then one suspect after the other, in the order of their arrival.
    LOOP
        IF suspects IS NULL OR chosen IS NOT NULL THEN
            bases := expected;
            IF array_position(expected, NULL) IS NOT NULL THEN
                SELECT array_agg(coalesce(x.version, x.now + x.before) ORDER BY x.o) INTO bases FROM (
                    SELECT u.o, u.version,
                           coalesce((SELECT e.originator_version FROM events e WHERE e.originator_id = u.stream
                                     ORDER BY e.originator_version DESC LIMIT 1), 0) AS now,
                           coalesce(sum(u.n) FILTER (WHERE chosen IS NULL OR u.c = ANY (chosen)) OVER (
                               PARTITION BY u.stream ORDER BY u.o
                               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
                    FROM unnest(change_commands, streams, expected, change_events)
                        WITH ORDINALITY u(c, stream, version, n, o)) x;
            END IF;

            INSERT INTO events (originator_id, originator_version, topic, state, notification_id, actor,
                                correlation_id, recorded_at, salt, leaf)
            SELECT v.stream, v.version, v.topic, v.state, v.place, v.actor, v.correlation, at, v.salt,
                   v.head || convert_to(',"version":' || v.version || ',"position":' || v.place || instant, 'UTF8')
            FROM (SELECT streams[u.change] AS stream, bases[u.change] + u.rank AS version, u.topic, u.state,
                         tip + row_number() OVER (ORDER BY u.o) AS place, u.actor, u.correlation, u.salt, u.head
                  FROM unnest(event_changes, event_ranks, topics, states, salts, actors, correlations, heads)
                      WITH ORDINALITY u(change, rank, topic, state, salt, actor, correlation, head, o)
                  WHERE chosen IS NULL OR change_commands[u.change] = ANY (chosen)) v;
            GET DIAGNOSTICS added = ROW_COUNT;

            INSERT INTO commands (command_id, body_sha256, first_position, last_position, recorded_at, answer)
            SELECT x.id, x.body, CASE WHEN x.n = 0 THEN x.last ELSE x.last - x.n + 1 END, x.last, at, x.answer
            FROM (SELECT u.id, u.body, u.answer, u.n, tip + sum(u.n) OVER (ORDER BY u.o) AS last
                  FROM unnest(command_ids, bodies, answers, command_events)
                      WITH ORDINALITY u(id, body, answer, n, o)
                  WHERE chosen IS NULL OR u.o = ANY (chosen)) x;
            tip := tip + added;
        END IF;

        EXIT WHEN suspects IS NULL OR i >= cardinality(suspects);
        i := i + 1;
        chosen := NULL;
        SELECT k.body_sha256 INTO known_body FROM commands k WHERE k.command_id = command_ids[suspects[i]];
        IF FOUND THEN
            outcomes[suspects[i]] := CASE WHEN known_body = bodies[suspects[i]] THEN 1 ELSE 2 END;
        ELSIF EXISTS (
            SELECT FROM unnest(change_commands, streams, expected) u(c, stream, version)
            WHERE u.c = suspects[i] AND u.version <> coalesce((
                SELECT e.originator_version FROM events e WHERE e.originator_id = u.stream
                ORDER BY e.originator_version DESC LIMIT 1), least(u.version, 0))) THEN
            outcomes[suspects[i]] := 3;
        ELSE
            chosen := ARRAY[suspects[i]];
        END IF;
    END LOOP;

    IF suspects IS NOT NULL THEN
        SELECT array_agg(coalesce((SELECT k.first_position FROM commands k WHERE k.command_id = u.id LIMIT 1), 0)
                         ORDER BY u.o) INTO firsts
            FROM unnest(command_ids) WITH ORDINALITY u(id, o);
    END IF;

    -- Also where nothing but repeats came: their answer waits for the same flush (and standby) as the first one did.
    UPDATE head SET position = tip, recorded_at = at;
    IF tip > base THEN
        PERFORM pg_notify('ledger', tip::text);
    END IF;
END
$$;

REVOKE ALL ON FUNCTION ledger.append FROM PUBLIC;
REVOKE ALL ON FUNCTION ledger.refuse_change FROM PUBLIC;
GRANT SELECT ON ledger.head, ledger.events, ledger.commands TO certferry_app;
GRANT EXECUTE ON FUNCTION ledger.append TO certferry_app;
