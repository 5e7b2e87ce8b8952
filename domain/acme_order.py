"""An order of an ACME client (RFC 8555, 7.1.3), with one authorization per name. It ends in a certificate order.

What has expired, and what became of the certificate order, are no events of its own.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from domain.entity import AggregateType, Event, Meta
from domain.errors import Code, Refused

_replace = msgspec.structs.replace
WILDCARD = "*."


class ChallengeType(StrEnum):
    """RFC 8555, 8.3 and 8.4."""

    HTTP_01 = "http-01"
    DNS_01 = "dns-01"


class AuthorizationStatus(StrEnum):
    """RFC 8555, 7.1.6; there is no `revoked` here."""

    PENDING = "pending"
    VALID = "valid"
    INVALID = "invalid"
    DEACTIVATED = "deactivated"
    EXPIRED = "expired"


class AcmeOrderStatus(StrEnum):
    """RFC 8555, 7.1.6. `finalized`: what it became is the certificate order's to say."""

    PENDING = "pending"
    READY = "ready"
    FINALIZED = "finalized"
    INVALID = "invalid"


class ChallengeFlaw(msgspec.Struct, frozen=True):
    """Why a challenge failed: the last part of an ACME error type (`connection`, `dns` ...), and a sentence."""

    type: str
    detail: str


class Answered(msgspec.Struct, frozen=True):
    """The client said that the answer to a challenge can be looked at; it must hold this key authorization."""

    challenge: ChallengeType
    key_authorization: str


class AcmeOrderCreated(Event, frozen=True, kw_only=True):
    """A certificate is wanted for these DNS names; `tokens` has one per name. `replaces`: the certificate that this
    one is to follow, `replaces_name`: how the client named it (RFC 9773, 4.1).
    """

    topic = "acme.order.created"
    account_id: UUID
    names: tuple[str, ...]
    tokens: tuple[str, ...]
    expires_at: datetime
    replaces: UUID | None = None
    replaces_name: str | None = None


class AcmeChallengeAnswered(Event, frozen=True, kw_only=True):
    """The client is ready to be looked at. `number` counts the authorizations of the order from 0."""

    topic = "acme.order.challenge.answered"
    number: int
    name: str
    answered: Answered


class AcmeAuthorizationValid(Event, frozen=True, kw_only=True):
    """The client showed to control the name."""

    topic = "acme.order.authorization.valid"
    number: int
    name: str
    challenge: ChallengeType


class AcmeAuthorizationInvalid(Event, frozen=True, kw_only=True):
    """The client failed to show it; the order is over."""

    topic = "acme.order.authorization.invalid"
    number: int
    name: str
    challenge: ChallengeType
    flaw: ChallengeFlaw


class AcmeAuthorizationDeactivated(Event, frozen=True, kw_only=True):
    """The client gave the authorization up (RFC 8555, 7.5.2); the order is over."""

    topic = "acme.order.authorization.deactivated"
    number: int
    name: str


class AcmeOrderFinalized(Event, frozen=True, kw_only=True):
    """Every name is validated and the signing request is there: it goes on as a certificate order."""

    topic = "acme.order.finalized"
    certificate_order_id: UUID
    csr_sha256: str


class Authorization(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State of one authorization. `name` is that of the order, `*.` included."""

    name: str
    token: str
    status: AuthorizationStatus = AuthorizationStatus.PENDING
    answered: Answered | None = None
    flaw: ChallengeFlaw | None = None
    judged_at: datetime | None = None

    @property
    def identifier(self) -> str:
        """The name that is looked at."""
        return self.name.removeprefix(WILDCARD)

    @property
    def wildcard(self) -> bool:
        """Is it for every name below?"""
        return self.name.startswith(WILDCARD)

    @property
    def challenges(self) -> tuple[ChallengeType, ...]:
        """What the client may choose from: a web server says nothing about all names below it (RFC 8555, 7.1.3)."""
        return (ChallengeType.DNS_01,) if self.wildcard else (ChallengeType.HTTP_01, ChallengeType.DNS_01)


class AcmeOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State of one order."""

    account_id: UUID
    authorizations: tuple[Authorization, ...]
    expires_at: datetime
    created_at: datetime
    replaces: UUID | None = None
    replaces_name: str | None = None
    certificate_order_id: UUID | None = None
    csr_sha256: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names it is for."""
        return tuple(each.name for each in self.authorizations)

    def authorization(self, number: int) -> Authorization:
        """One of them; refuses with not-found."""
        if not 0 <= number < len(self.authorizations):
            raise Refused(Code.NOT_FOUND, f"The order has no authorization {number}.")
        return self.authorizations[number]


def status(order: AcmeOrder, now: datetime) -> AcmeOrderStatus:
    """What it is at an instant."""
    if order.certificate_order_id is not None:
        return AcmeOrderStatus.FINALIZED
    states = {authorization_status(order, each, now) for each in order.authorizations}
    if states <= {AuthorizationStatus.VALID}:
        return AcmeOrderStatus.READY
    over = states - {AuthorizationStatus.VALID, AuthorizationStatus.PENDING}
    return AcmeOrderStatus.INVALID if over else AcmeOrderStatus.PENDING


def authorization_status(order: AcmeOrder, found: Authorization, now: datetime) -> AuthorizationStatus:
    """What an authorization is at an instant: it holds no longer than its order."""
    lasting = found.status in (AuthorizationStatus.PENDING, AuthorizationStatus.VALID)
    return AuthorizationStatus.EXPIRED if lasting and order.expires_at <= now else found.status


def answer(order: AcmeOrder, meta: Meta, number: int, answered: Answered) -> tuple[Event, ...]:
    """The client is ready. Of an authorization that is judged, or being looked at, nothing changes."""
    found = order.authorization(number)
    if answered.challenge not in found.challenges:
        raise Refused(Code.NOT_FOUND, f"There is no challenge {answered.challenge.value} for {found.name}.")
    if found.answered is not None or authorization_status(order, found, meta.at) is not AuthorizationStatus.PENDING:
        return ()
    return (AcmeChallengeAnswered(meta=meta, number=number, name=found.name, answered=answered),)


def judge(order: AcmeOrder, meta: Meta, number: int, flaw: ChallengeFlaw | None) -> tuple[Event, ...]:
    """What was seen; the first judgement counts."""
    found = order.authorization(number)
    if found.answered is None or authorization_status(order, found, meta.at) is not AuthorizationStatus.PENDING:
        return ()
    challenge = found.answered.challenge
    if flaw is None:
        return (AcmeAuthorizationValid(meta=meta, number=number, name=found.name, challenge=challenge),)
    return (AcmeAuthorizationInvalid(meta=meta, number=number, name=found.name, challenge=challenge, flaw=flaw),)


def deactivate(order: AcmeOrder, meta: Meta, number: int) -> tuple[Event, ...]:
    """The client gives an authorization up, as long as it may still be used."""
    found = order.authorization(number)
    over = order.certificate_order_id is not None
    if over or found.status not in (AuthorizationStatus.PENDING, AuthorizationStatus.VALID):
        return ()
    return (AcmeAuthorizationDeactivated(meta=meta, number=number, name=found.name),)


def finalize(order: AcmeOrder, meta: Meta, certificate_order_id: UUID, csr_sha256: str) -> tuple[Event, ...]:
    """Once, when every name is validated; the same request again makes no event."""
    if order.csr_sha256 == csr_sha256:
        return ()
    found = status(order, meta.at)
    if found is not AcmeOrderStatus.READY:
        raise Refused(
            Code.INVALID_TRANSITION,
            f"The order is {found.value}; it can be finalized once every name is validated.",
            current_status=found.value,
            allowed=[],
        )
    return (AcmeOrderFinalized(meta=meta, certificate_order_id=certificate_order_id, csr_sha256=csr_sha256),)


def check_names(order: AcmeOrder, asked: Sequence[str]) -> None:
    """The signing request must ask for exactly the names of the order (RFC 8555, 7.4)."""
    if {name.lower() for name in asked} != set(order.names):
        wanted = ", ".join(order.names)
        sentence = f"The certificate request must ask for exactly the names of the order: {wanted}."
        raise Refused(Code.VALIDATION_FAILED, sentence, pointer="/csr_pem")


def _created(_: AcmeOrder | None, event: AcmeOrderCreated) -> AcmeOrder:
    pairs = zip(event.names, event.tokens, strict=True)
    return AcmeOrder(
        account_id=event.account_id,
        authorizations=tuple(Authorization(name=name, token=token) for name, token in pairs),
        expires_at=event.expires_at,
        created_at=event.meta.at,
        replaces=event.replaces,
        replaces_name=event.replaces_name,
    )


def _with(state: AcmeOrder, number: int, **changes: object) -> AcmeOrder:
    changed = _replace(state.authorizations[number], **changes)
    before, after = state.authorizations[:number], state.authorizations[number + 1 :]
    return _replace(state, authorizations=(*before, changed, *after))


def _valid(state: AcmeOrder, event: AcmeAuthorizationValid) -> AcmeOrder:
    return _with(state, event.number, status=AuthorizationStatus.VALID, judged_at=event.meta.at)


def _invalid(state: AcmeOrder, event: AcmeAuthorizationInvalid) -> AcmeOrder:
    return _with(state, event.number, status=AuthorizationStatus.INVALID, flaw=event.flaw, judged_at=event.meta.at)


def _finalized(state: AcmeOrder, event: AcmeOrderFinalized) -> AcmeOrder:
    return _replace(state, certificate_order_id=event.certificate_order_id, csr_sha256=event.csr_sha256)


ACME_ORDER: AggregateType[AcmeOrder] = AggregateType(
    name="acme_order",
    table={
        AcmeOrderCreated: _created,
        AcmeChallengeAnswered: lambda state, event: _with(state, event.number, answered=event.answered),
        AcmeAuthorizationValid: _valid,
        AcmeAuthorizationInvalid: _invalid,
        AcmeAuthorizationDeactivated: lambda state, event: _with(
            state, event.number, status=AuthorizationStatus.DEACTIVATED
        ),
        AcmeOrderFinalized: _finalized,
    },
)
