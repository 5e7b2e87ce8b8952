"""Reading: how read models ask the database."""
