"""Use cases: load the streams, let the domain decide, append, answer with the position."""
