"""The service as an ACME server: looking at challenges."""
