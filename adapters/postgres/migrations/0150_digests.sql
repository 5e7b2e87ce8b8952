-- A message that tells once a day what is open is for a day, and for no event (position 0).
ALTER TABLE ops.notifications ADD COLUMN digest_on date;
