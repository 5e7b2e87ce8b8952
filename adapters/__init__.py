"""The outside world: PostgreSQL, keys, certificate authorities, TLS, processes."""
