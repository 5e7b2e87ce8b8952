-- When CAs suggest to renew (RFC 9773), until they are asked again. Not history: that something was renewed is an event.
-- `starts_at` null: the CA makes no suggestions, or has not answered yet.
CREATE TABLE ops.renewal_suggestions (
    certificate_id uuid PRIMARY KEY,
    starts_at timestamptz,
    ends_at timestamptz,
    explanation_url text,
    again_at timestamptz NOT NULL,
    failures integer NOT NULL DEFAULT 0
);
CREATE INDEX renewal_suggestions_age ON ops.renewal_suggestions (again_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON ops.renewal_suggestions TO certferry_app;
