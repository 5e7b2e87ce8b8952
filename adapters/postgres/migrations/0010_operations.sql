-- What is going on now, beside the ledger: who may work on which target, what bridges are asked to read, what probes
-- saw, which events have been reacted to. Nothing here is history: all of it may be lost without losing a decision.

-- Every lease ever granted has a higher fence than all before it.
CREATE SEQUENCE ops.fences AS bigint;

-- At most one live lease per target system: one row each, live until `expires_at`.
CREATE TABLE ops.target_leases (
    target_system_id uuid PRIMARY KEY,
    assignment_id uuid NOT NULL,
    bridge_id uuid NOT NULL,
    fence bigint NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX target_leases_assignment ON ops.target_leases (assignment_id);

-- The latest lease of each assignment, kept after its end so that late reports find their way.
CREATE TABLE ops.assignments (
    assignment_id uuid PRIMARY KEY,
    kind text NOT NULL,
    subject_id uuid NOT NULL,
    target_system_id uuid NOT NULL,
    bridge_id uuid NOT NULL,
    fence bigint NOT NULL,
    granted_at timestamptz NOT NULL
);
CREATE INDEX assignments_age ON ops.assignments (granted_at);

-- Discoveries and connection tests that wait for a bridge.
CREATE TABLE ops.errands (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    target_system_id uuid NOT NULL,
    bridge_id uuid NOT NULL,
    deadline_at timestamptz NOT NULL,
    number bigint GENERATED ALWAYS AS IDENTITY,
    done_at timestamptz
);
CREATE INDEX errands_waiting ON ops.errands (bridge_id, number) WHERE done_at IS NULL;
CREATE INDEX errands_overdue ON ops.errands (deadline_at) WHERE done_at IS NULL;
CREATE INDEX errands_done ON ops.errands (done_at) WHERE done_at IS NOT NULL;

CREATE INDEX bridge_presence_age ON ops.bridge_presence (last_seen_at);

-- What a verification run saw, endpoint by endpoint; the ledger holds the digest. `doc` is the JSON of one result.
CREATE TABLE ops.verification_results (
    run_id uuid NOT NULL,
    number int NOT NULL,
    doc bytea NOT NULL,
    kept_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run_id, number)
);
CREATE INDEX verification_results_age ON ops.verification_results (kept_at);

-- Which events a reaction was queued for: no event gets the same reaction twice.
CREATE TABLE ops.reactions (
    reaction text NOT NULL,
    position bigint NOT NULL,
    queued_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (reaction, position)
);
CREATE INDEX reactions_age ON ops.reactions (queued_at);

GRANT USAGE ON SEQUENCE ops.fences TO certferry_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ops.target_leases, ops.assignments, ops.errands, ops.verification_results,
    ops.reactions TO certferry_app;

-- Answers to commands with an Idempotency-Key, for clients that ask again. `status` null: in progress since
-- `claimed_at`. `body` null beside a status: the answer carried a secret and is not kept.
CREATE TABLE ops.idempotency (
    command_id uuid PRIMARY KEY,
    body_sha256 bytea NOT NULL,
    claimed_at timestamptz NOT NULL DEFAULT now(),
    status int,
    headers bytea,
    body bytea
);
CREATE INDEX idempotency_age ON ops.idempotency (claimed_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON ops.idempotency TO certferry_app;
