"""Whether the CA knows of a revocation: told, not yet told, or to be told by people. Revoked here it is in any case."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from domain.entity import Event
from domain.personal import WrittenText


class NoticeState(StrEnum):
    """`failed`: it did not take it, and is told again only where that may help (`retrying`)."""

    INFORMED = "informed"
    FAILED = "failed"
    BY_HAND = "by_hand"


class RevocationCaInformed(Event, frozen=True, kw_only=True):
    """The CA was told of the revocation, and took it."""

    topic = "certificate.revoke.ca_informed"
    message: str


class RevocationCaFailed(Event, frozen=True, kw_only=True):
    """The CA did not take it. `retrying`: it is told again until it does."""

    topic = "certificate.revoke.ca_failed"
    message: str
    retrying: bool = False


class RevocationCaByHand(Event, frozen=True, kw_only=True):
    """This CA cannot be told from here: somebody has to tell it."""

    topic = "certificate.revoke.ca_by_hand"
    message: str


class RevocationCaRetried(Event, frozen=True, kw_only=True):
    """Somebody wants the CA to be told once more, after it said no or could not be told."""

    topic = "certificate.revoke.ca_retried"
    comment: WrittenText | None = None


class RevocationCaToldByHand(Event, frozen=True, kw_only=True):
    """Somebody says to have told the CA of the revocation: nothing is left to be done."""

    topic = "certificate.revoke.ca_told_by_hand"
    comment: WrittenText | None = None


class CaNotice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The last word on it."""

    state: NoticeState
    message: str
    at: datetime
    retrying: bool = False


Notice = RevocationCaInformed | RevocationCaFailed | RevocationCaByHand | RevocationCaRetried | RevocationCaToldByHand


def noticed(state: Any, event: Notice) -> Any:
    """The certificate's state after one of these events."""
    return msgspec.structs.replace(state, ca_notice=of_event(event))


def of_event(event: Notice) -> CaNotice:
    """What an event says."""
    if isinstance(event, RevocationCaRetried):
        return CaNotice(state=NoticeState.FAILED, message="It is being told again.", at=event.meta.at, retrying=True)
    if isinstance(event, RevocationCaToldByHand):
        return CaNotice(state=NoticeState.INFORMED, message="Somebody told it by hand.", at=event.meta.at)
    retrying = isinstance(event, RevocationCaFailed) and event.retrying
    return CaNotice(state=_STATES[type(event)], message=event.message, at=event.meta.at, retrying=retrying)


def is_settled(notice: CaNotice | None) -> bool:
    """Is nothing left to be done by the service?"""
    return notice is not None and not notice.retrying


_STATES: dict[type[Event], NoticeState] = {
    RevocationCaInformed: NoticeState.INFORMED,
    RevocationCaFailed: NoticeState.FAILED,
    RevocationCaByHand: NoticeState.BY_HAND,
}
