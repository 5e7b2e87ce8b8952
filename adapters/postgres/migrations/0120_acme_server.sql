-- The service as an ACME server: nonces that were used (RFC 8555, 6.5; they are signed, and used once), and how often
-- something was done within a while. Neither is history.
CREATE TABLE ops.acme_spent_nonces (
    nonce bytea PRIMARY KEY,
    spent_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX acme_spent_nonces_age ON ops.acme_spent_nonces (spent_at);

CREATE TABLE ops.acme_rates (
    subject_id uuid NOT NULL,
    kind text NOT NULL,
    began_at timestamptz NOT NULL,
    times int NOT NULL,
    PRIMARY KEY (subject_id, kind)
);
CREATE INDEX acme_rates_age ON ops.acme_rates (began_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON ops.acme_spent_nonces, ops.acme_rates TO certferry_app;
