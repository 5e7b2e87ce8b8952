"""Attestations of reviews of the inventory."""
