-- The revocation list of each of our own CAs as it is published now (RFC 5280, 5). Whoever makes the next one counts on.
CREATE TABLE ops.crls (
    ca_id text PRIMARY KEY,
    number bigint NOT NULL,
    this_update timestamptz NOT NULL,
    next_update timestamptz NOT NULL,
    der bytea NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON ops.crls TO certferry_app;
