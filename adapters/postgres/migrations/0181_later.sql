-- What waits for an instant waits here: the queue walks through all its jobs that do, each time it looks for the next.
CREATE TABLE ops.later (
    reaction text NOT NULL,
    position bigint NOT NULL,
    due_at timestamptz NOT NULL,
    PRIMARY KEY (reaction, position)
);
CREATE INDEX later_due ON ops.later (due_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON ops.later TO certferry_app;
