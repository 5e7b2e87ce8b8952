-- How far the export to the syslog receiver has come. Not history: lost, it begins again at the first position that the
-- settings name, and receivers recognise what they had by its position.

CREATE TABLE ops.syslog_export (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    position bigint NOT NULL,
    turn bigint NOT NULL DEFAULT 0,
    since timestamptz NOT NULL DEFAULT clock_timestamp(), -- when the position was set
    failures int NOT NULL DEFAULT 0,
    error text
);

GRANT SELECT, INSERT, UPDATE ON ops.syslog_export TO certferry_app;
