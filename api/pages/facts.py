"""Fields of a certificate as its page shows them."""

from typing import NamedTuple

from api.pages.words import instant
from domain.ca_notice import NoticeState
from domain.certificate import Certificate


class Fact(NamedTuple):
    """One field of the certificate."""

    label: str
    value: str
    short: str | None = None
    mono: bool = False
    wide: bool = False
    url: str | None = None


_NOTICES = {NoticeState.INFORMED: "told", NoticeState.FAILED: "not told", NoticeState.BY_HAND: "tell it yourself"}


def later_facts(certificate: Certificate) -> tuple[Fact, ...]:
    """What it was renewed from and to; when and why it was revoked."""
    links = (("Renewed From", certificate.renewed_from), ("Renewed To", certificate.renewed_to))
    renewed = [Fact(label, str(other), url=f"/certificates/{other}") for label, other in links if other is not None]
    return (*renewed, *_revocation(certificate))


def _revocation(certificate: Certificate) -> tuple[Fact, ...]:
    """When and why it was revoked, and whether its CA knows."""
    if certificate.revoked_at is None:
        return ()
    said = f" (“{certificate.revocation_comment}”)" if certificate.revocation_comment else ""
    notice = certificate.ca_notice
    again = "; it is told again" if notice is not None and notice.retrying else ""
    told = f"{_NOTICES[notice.state]}{again}: {notice.message}" if notice is not None else "being told"
    return (
        Fact("Revoked", f"{instant(certificate.revoked_at)} UTC, {certificate.revocation_reason}{said}"),
        Fact("The CA", told),
    )
