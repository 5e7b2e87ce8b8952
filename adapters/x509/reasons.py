"""Reasons of a revocation as X.509 writes them (RFC 5280, 5.3.1)."""

from cryptography import x509

REASON_CODES = {
    "unspecified": 0,
    "keyCompromise": 1,
    "cACompromise": 2,
    "affiliationChanged": 3,
    "superseded": 4,
    "cessationOfOperation": 5,
}
"""CRLReason, by the names of domain.revocation.RevocationReason."""


def reason_flag(reason: str | None) -> x509.ReasonFlags | None:
    """For CRL entries and OCSP; None for `unspecified`, which is left out (RFC 5280, 5.3.1)."""
    return None if reason in (None, "unspecified") else x509.ReasonFlags(reason)
