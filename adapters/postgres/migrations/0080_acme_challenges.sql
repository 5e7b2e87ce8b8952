-- What an ACME CA is to find at /.well-known/acme-challenge/<token> while it validates an order of ours (RFC 8555, 8.3).
-- Workers write it, every API process shows it; it is public for as long as it is here.
CREATE TABLE ops.acme_challenges (
    token text PRIMARY KEY,
    key_authorization text NOT NULL,
    shown_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX acme_challenges_age ON ops.acme_challenges (shown_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON ops.acme_challenges TO certferry_app;
