"""Decisions: pure functions from a state and a command to events. No clock, no randomness, no I/O."""
