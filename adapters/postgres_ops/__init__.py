"""What is going on now, kept in PostgreSQL: leases, errands, presence, results of probes."""
