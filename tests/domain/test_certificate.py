"""Manual "Managing Provisioned Certificates": inventory, status values, import."""

from datetime import datetime, timedelta

import pytest

from domain import certificate as certificates
from domain import ids
from domain.certificate import (
    CertificateDiscovered,
    CertificateImported,
    CertificateIssued,
    CertificateOwnerChanged,
    CertificateRenewed,
    CertificateRevoked,
    CertificateStatus,
    CertificateTagged,
    KeyOrigin,
    Source,
)
from domain.entity import Event
from domain.errors import Code
from tests.support.deciders import Given, Then, given, state_of
from tests.support.histories import (
    BRIDGE_ACTOR,
    DAY,
    HOUR,
    OPERATOR,
    SECOND,
    SYSTEM,
    T0,
    a_certificate,
    by,
    facts,
    imported,
)

NOT_BEFORE, NOT_AFTER = facts().not_before, facts().not_after
PREDECESSOR, SUCCESSOR = ids.derive("test", "older"), ids.derive("test", "newer")
DISCOVERED = CertificateDiscovered(meta=by(BRIDGE_ACTOR), facts=facts(), der=b"DER")
REVOKED = CertificateRevoked(meta=by(OPERATOR, T0 + HOUR), reason="superseded", comment="renewed")


def status_at(now: datetime, *more: Event) -> CertificateStatus:
    return certificates.status(state_of(*imported(), *more), now)


# ---------------------------------------------------------------- status values


@pytest.mark.parametrize("now", [NOT_BEFORE, T0, NOT_AFTER])
def test_active(now: datetime) -> None:
    """Certificate is valid and within its validity period; both ends belong to it."""
    assert status_at(now) is CertificateStatus.ACTIVE


def test_expired() -> None:
    """Certificate validity period has passed: from the second after not_after."""
    assert status_at(NOT_AFTER + SECOND) is CertificateStatus.EXPIRED


def test_not_yet_valid() -> None:
    """Up to the second before not_before."""
    assert status_at(NOT_BEFORE - SECOND) is CertificateStatus.NOT_YET_VALID


@pytest.mark.parametrize("now", [T0 + HOUR, NOT_AFTER, NOT_AFTER + DAY])
def test_revoked_wins(now: datetime) -> None:
    """Revoked and should no longer be trusted: for ever, and over expired."""
    assert status_at(now, REVOKED) is CertificateStatus.REVOKED


def test_before_its_revocation_it_was_active() -> None:
    """History asks for earlier instants: then it was not revoked yet."""
    assert status_at(T0 + HOUR - SECOND, REVOKED) is CertificateStatus.ACTIVE


@pytest.mark.parametrize(
    ("left", "days"),
    [
        (timedelta(0), 0),
        (DAY - SECOND, 0),
        (DAY, 1),
        (90 * DAY, 90),
        (-SECOND, -1),
        (-DAY, -1),
        (-DAY - SECOND, -2),
    ],
)
def test_days_until_expiry(left: timedelta, days: int) -> None:
    """Calculated from the current date: whole days left, negative once expired."""
    assert days == certificates.days_until_expiry(a_certificate(), NOT_AFTER - left)


# ---------------------------------------------------------------- import


def import_(history: Given, *, with_key: bool = True, owner: str | None = None, tags: tuple[str, ...] = ()) -> Then:
    return history.when(
        certificates.import_certificate,
        by(OPERATOR),
        facts=facts(),
        der=b"DER",
        chain=(b"ISSUER",),
        with_key=with_key,
        owner=owner,
        tags=tags,
    )


@pytest.mark.parametrize(("with_key", "origin"), [(True, KeyOrigin.IMPORTED), (False, KeyOrigin.NONE)])
def test_an_imported_certificate_is_managed(with_key: bool, origin: KeyOrigin) -> None:
    """Source managed, no provider, with or without its private key."""
    expected = CertificateImported(
        meta=by(OPERATOR), facts=facts(), der=b"DER", chain=(b"ISSUER",), key_origin=origin, owner="web", tags=("a",)
    )
    then = import_(given(), with_key=with_key, owner="web", tags=("a",)).then(expected)
    assert (then.state.source, then.state.provider) == (Source.MANAGED, None)
    assert then.state.has_private_key is with_key


def test_the_same_certificate_twice_is_refused() -> None:
    """A certificate is its fingerprint: the second import says that it is there already."""
    refused = import_(given(*imported())).refused(Code.ALREADY_EXISTS, saying="www.example.com")
    assert refused.pointer == "/certificate_pem"


def test_a_discovered_certificate_becomes_managed() -> None:
    """What was only seen on a target can be brought in, with its key."""
    assert state_of(DISCOVERED).source is Source.DISCOVERED
    then = import_(given(DISCOVERED))
    assert (then.state.source, then.state.has_private_key, then.state.chain) == (Source.MANAGED, True, (b"ISSUER",))


def test_importing_forgets_nothing_that_was_known() -> None:
    """Owner, tags, links and revocation of a discovered certificate stay, unless the import names others."""
    known = (
        DISCOVERED,
        CertificateOwnerChanged(meta=by(OPERATOR), owner="web"),
        CertificateTagged(meta=by(OPERATOR), tags=("shop",)),
        CertificateRenewed(meta=by(SYSTEM), renewed_from=PREDECESSOR),
        CertificateRenewed(meta=by(SYSTEM), renewed_to=SUCCESSOR),
        REVOKED,
    )
    found = import_(given(*known)).state
    assert (found.owner, found.tags) == ("web", ("shop",))
    assert (found.renewed_from, found.renewed_to) == (PREDECESSOR, SUCCESSOR)
    assert (found.revoked_at, found.revocation_reason, found.revocation_comment) == (
        T0 + HOUR,
        "superseded",
        "renewed",
    )
    named = import_(given(*known), owner="ops", tags=("new",)).state
    assert (named.owner, named.tags) == ("ops", ("new",))


def test_issued_certificates_know_their_provider_and_order() -> None:
    """Issuer and certificate provider; the key was generated here."""
    order = ids.derive("test", "order")
    issued = CertificateIssued(
        meta=by(SYSTEM),
        facts=facts(),
        der=b"DER",
        provider="local_pki",
        order_id=order,
        key_origin=KeyOrigin.GENERATED,
        owner="web",
    )
    found = state_of(issued)
    assert (found.source, found.provider, found.order_id) == (Source.MANAGED, "local_pki", order)
    assert (found.has_private_key, found.owner) == (True, "web")
    import_(given(issued)).refused(Code.ALREADY_EXISTS)


@pytest.mark.parametrize("origin", [KeyOrigin.ENDPOINT, KeyOrigin.NONE])
def test_a_key_made_elsewhere_is_not_stored_here(origin: KeyOrigin) -> None:
    """A key made on the target never left it."""
    imported_ = CertificateImported(meta=by(OPERATOR), facts=facts(), der=b"DER", key_origin=origin)
    assert not state_of(imported_).has_private_key


# ---------------------------------------------------------------- owner and tags


def test_describe_changes_what_differs() -> None:
    """One event per changed field."""
    given(*imported()).when(certificates.describe, by(OPERATOR), owner="web", tags=("shop",)).then(
        CertificateOwnerChanged(meta=by(OPERATOR), owner="web"), CertificateTagged(meta=by(OPERATOR), tags=("shop",))
    )
    given(*imported()).when(certificates.describe, by(OPERATOR), owner="web", tags=None).then(
        CertificateOwnerChanged(meta=by(OPERATOR), owner="web")
    )


def test_describing_it_the_same_changes_nothing() -> None:
    """A repeat makes no event; tags None leaves the tags alone."""
    once = given(*imported()).when(certificates.describe, by(OPERATOR), owner="web", tags=("shop",))
    history = *imported(), *once.decided
    given(*history).when(certificates.describe, by(OPERATOR), owner="web", tags=("shop",)).then_nothing()
    given(*history).when(certificates.describe, by(OPERATOR), owner="web", tags=None).then_nothing()


# ---------------------------------------------------------------- pushable


@pytest.mark.parametrize(
    ("now", "more", "status", "saying"),
    [
        (NOT_AFTER + SECOND, (), "expired", "is expired"),
        (T0 + HOUR, (REVOKED,), "revoked", "is revoked"),
        (NOT_BEFORE - SECOND, (), "not_yet_valid", "allow_not_yet_valid"),
    ],
)
def test_only_an_active_certificate_can_be_pushed(
    now: datetime, more: tuple[Event, ...], status: str, saying: str
) -> None:
    """Expired, revoked and not yet valid certificates are refused, and why is said."""
    given(*imported(), *more).when(certificates.check_pushable, now).refused(
        Code.CERTIFICATE_NOT_ACTIVE, saying=saying, current_status=status
    )


def test_a_certificate_of_tomorrow_can_be_pushed_on_explicit_wish() -> None:
    """not_yet_valid with the flag; expired never."""
    early = NOT_BEFORE - SECOND
    assert given(*imported()).when(certificates.check_pushable, early, allow_not_yet_valid=True).refusal is None
    assert given(*imported()).when(certificates.check_pushable, T0).refusal is None
    given(*imported()).when(certificates.check_pushable, NOT_AFTER + SECOND, allow_not_yet_valid=True).refused(
        Code.CERTIFICATE_NOT_ACTIVE
    )
