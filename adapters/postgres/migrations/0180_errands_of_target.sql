-- Whether a target system is waiting for its bridge already is asked at each push; thousands may wait behind one bridge.
CREATE INDEX errands_of_target ON ops.errands (target_system_id, number) WHERE done_at IS NULL;
