"""The service as an ACME server (RFC 8555), over Local PKI."""
