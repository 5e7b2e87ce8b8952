-- Master keys that no value is sealed by any more, and none ever will be: their files may be gone. Sealed values name their
-- key in bytes 2 to 9 (adapters/keys/vault.py).
CREATE TABLE vault.retired_keys (
    key_id bytea PRIMARY KEY,
    retired_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT ON vault.retired_keys TO certferry_app;

-- A process that has not heard of the rotation writes nothing that nobody could open later.
CREATE FUNCTION vault.refuse_retired_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM vault.retired_keys k WHERE k.key_id = substring(NEW.sealed FROM 2 FOR 8)) THEN
        RAISE EXCEPTION 'this value is sealed by a master key that was retired: restart the process that wrote it';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER refuse_retired_key BEFORE INSERT OR UPDATE ON vault.private_keys
    FOR EACH ROW EXECUTE FUNCTION vault.refuse_retired_key();
CREATE TRIGGER refuse_retired_key BEFORE INSERT OR UPDATE ON vault.secrets
    FOR EACH ROW EXECUTE FUNCTION vault.refuse_retired_key();
CREATE TRIGGER refuse_retired_key BEFORE INSERT OR UPDATE ON vault.subject_keys
    FOR EACH ROW EXECUTE FUNCTION vault.refuse_retired_key();

-- Keys are never replaced, and what was destroyed never comes back; one may be sealed anew by another master key.
CREATE OR REPLACE FUNCTION vault.guard_subject_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.subject_id <> OLD.subject_id OR OLD.sealed IS NULL
        OR substring(NEW.sealed FROM 2 FOR 8) = substring(OLD.sealed FROM 2 FOR 8)
        OR length(NEW.sealed) <> length(OLD.sealed) THEN
        RAISE EXCEPTION 'a key of personal texts can be destroyed, once, or sealed anew by another master key';
    END IF;
    RETURN NEW;
END
$$;
