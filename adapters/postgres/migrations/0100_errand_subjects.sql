-- What an errand is for, beside its target system: the order whose key a bridge is to make.
ALTER TABLE ops.errands ADD COLUMN subject_id uuid;
