-- What the service keeps beside the ledger: operations, sealed keys, and a room for the projections.

GRANT USAGE ON SCHEMA ops TO certferry_app;

-- One row per exclusive task; `fence` rises with every new holder.
CREATE TABLE ops.leases (
    name text PRIMARY KEY,
    holder text NOT NULL,
    fence bigint NOT NULL DEFAULT 1,
    expires_at timestamptz NOT NULL
);

CREATE TABLE ops.bridge_presence (
    bridge_id uuid PRIMARY KEY,
    last_seen_at timestamptz NOT NULL,
    version text NOT NULL
);

-- How far each follower of the ledger has come (reactions; projections keep theirs beside their rows).
CREATE TABLE ops.followers (
    name text PRIMARY KEY,
    position bigint NOT NULL DEFAULT 0
);

-- Events that a projection could not digest: visible, alerted, the others go on.
CREATE TABLE ops.quarantine (
    projection text NOT NULL,
    position bigint NOT NULL,
    error text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (projection, position)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON ops.leases, ops.bridge_presence, ops.followers, ops.quarantine TO certferry_app;

CREATE SCHEMA vault;
GRANT USAGE ON SCHEMA vault TO certferry_app;

CREATE TABLE vault.private_keys (
    certificate_id uuid PRIMARY KEY,
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE vault.secrets (
    owner_id uuid NOT NULL,
    name text NOT NULL,
    sealed bytea NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (owner_id, name)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON vault.private_keys, vault.secrets TO certferry_app;

-- Projections create, version and swap their own tables here, as certferry_app.
CREATE SCHEMA read;
GRANT USAGE, CREATE ON SCHEMA read TO certferry_app;
