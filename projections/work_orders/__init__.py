"""Work orders and push requests."""
