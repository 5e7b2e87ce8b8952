"""Sealing the ledger: reading its leaves again, checking them, signing checkpoints, and getting these out of here."""
