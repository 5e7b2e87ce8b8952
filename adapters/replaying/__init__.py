"""Replaying the ledger apart from the service: its own folds, its own tables."""
