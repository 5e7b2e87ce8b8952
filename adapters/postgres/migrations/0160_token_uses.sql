-- When each API token was last used, to the minute. No history: the events of what it did name it.
CREATE TABLE ops.token_uses (
    token_id uuid PRIMARY KEY,
    last_used_at timestamptz NOT NULL
);

GRANT SELECT, INSERT, UPDATE ON ops.token_uses TO certferry_app;
