-- Keys of personal texts, one per person (subject), sealed by the master key. Events and read models hold such texts only
-- sealed by these; destroying a key erases what it opens, everywhere (docs/how-to/erase-a-person.md).

CREATE TABLE vault.subject_keys (
    subject_id uuid PRIMARY KEY,
    sealed bytea, -- null: destroyed, for ever
    made_at timestamptz NOT NULL DEFAULT now(),
    destroyed_at timestamptz,
    CHECK ((sealed IS NULL) = (destroyed_at IS NOT NULL))
);

-- Who is called what, by a keyed hash of the name; goes with the key.
CREATE TABLE vault.subject_names (
    digest bytea PRIMARY KEY,
    subject_id uuid NOT NULL
);
CREATE INDEX subject_names_subject ON vault.subject_names (subject_id);

-- How many keys were destroyed: whoever keeps opened keys in memory looks here, and at nothing else.
CREATE TABLE vault.destruction (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    number bigint NOT NULL
);
INSERT INTO vault.destruction (number) VALUES (0);

-- Keys are never replaced, and what was destroyed never comes back.
CREATE FUNCTION vault.guard_subject_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.subject_id <> OLD.subject_id OR NEW.sealed IS NOT NULL OR OLD.sealed IS NULL THEN
        RAISE EXCEPTION 'a key of personal texts can be destroyed, once, and nothing else';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_subject_key BEFORE UPDATE ON vault.subject_keys
    FOR EACH ROW EXECUTE FUNCTION vault.guard_subject_key();

GRANT SELECT, INSERT, UPDATE ON vault.subject_keys TO certferry_app;
GRANT SELECT, INSERT, DELETE ON vault.subject_names TO certferry_app;
GRANT SELECT, UPDATE ON vault.destruction TO certferry_app;
