"""PostgreSQL: the embedded server, the migrations and the ledger's log."""
