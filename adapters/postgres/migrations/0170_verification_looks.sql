-- When connectors with a schedule of their own were looked at last. Not history: what a look saw is, when it is news.
CREATE TABLE ops.verification_looks (
    connector_id uuid PRIMARY KEY,
    looked_at timestamptz NOT NULL
);
CREATE INDEX verification_looks_age ON ops.verification_looks (looked_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON ops.verification_looks TO certferry_app;
