-- Of which report's delivery a message is.
ALTER TABLE ops.notifications ADD COLUMN report_delivery_id uuid;
