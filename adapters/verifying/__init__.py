"""Verifying everything: the ledger by itself and against what others kept of it, the read models against the ledger."""
