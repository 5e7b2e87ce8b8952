"""What became of each association, and what its deployments and verifications did for which push."""
