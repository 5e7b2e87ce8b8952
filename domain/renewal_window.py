"""When a certificate should be renewed: a window for each, so that not all come at once (RFC 9773, 4.2)."""

from datetime import datetime, timedelta

from domain.certificate import Certificate

_REVOKED_WINDOW = timedelta(hours=1)


def renewal_window(certificate: Certificate) -> tuple[datetime, datetime]:
    """From two thirds of its lifetime, a twelfth of it long; of a revoked certificate it is over already."""
    if certificate.revoked_at is not None:
        return certificate.revoked_at - _REVOKED_WINDOW, certificate.revoked_at
    facts = certificate.facts
    lifetime = facts.not_after - facts.not_before
    start = facts.not_before + lifetime * 2 / 3
    return start, start + lifetime / 12
