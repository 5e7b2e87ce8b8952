-- What a bridge is told to look at, and what it says it saw: JSON, forgotten after a day. The ledger has what became of it.
ALTER TABLE ops.errands ADD COLUMN content bytea, ADD COLUMN answer bytea;
