-- How far the deliveries of webhooks have come, and what was tried. Not history: lost, they begin again at each webhook's
-- first position, and receivers recognise what they had by its webhook-id.

CREATE TABLE ops.webhook_standings (
    webhook_id uuid PRIMARY KEY,
    position bigint NOT NULL,
    turn bigint NOT NULL DEFAULT 0
);

-- `position` null: a test. `failures` in a row, since `failing_since`.
CREATE TABLE ops.webhook_deliveries (
    id uuid PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    webhook_id uuid NOT NULL,
    position bigint,
    status text NOT NULL,
    attempts int NOT NULL,
    failures int NOT NULL,
    failing_since timestamptz,
    status_code int,
    error text,
    created_at timestamptz NOT NULL,
    last_attempt_at timestamptz,
    next_attempt_at timestamptz,
    delivered_at timestamptz
);
CREATE INDEX webhook_deliveries_list ON ops.webhook_deliveries (webhook_id, number);
CREATE INDEX webhook_deliveries_waiting ON ops.webhook_deliveries (webhook_id) WHERE status = 'pending';
CREATE INDEX webhook_deliveries_age ON ops.webhook_deliveries (created_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON ops.webhook_standings, ops.webhook_deliveries TO certferry_app;
