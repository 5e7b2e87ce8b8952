-- What channels were told of alerts, and how it went. Not history: that an alert was raised is in the ledger.

-- `position`: the event that the message is for; `alert_id` null: a test.
CREATE TABLE ops.notifications (
    id uuid PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    channel_id uuid NOT NULL,
    position bigint NOT NULL,
    alert_id uuid,
    status text NOT NULL,
    attempts int NOT NULL,
    status_code int,
    error text,
    created_at timestamptz NOT NULL,
    last_attempt_at timestamptz,
    next_attempt_at timestamptz,
    delivered_at timestamptz
);
CREATE INDEX notifications_list ON ops.notifications (channel_id, number);
CREATE INDEX notifications_position ON ops.notifications (position);
CREATE INDEX notifications_age ON ops.notifications (created_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON ops.notifications TO certferry_app;
