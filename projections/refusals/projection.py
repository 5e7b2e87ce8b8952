"""One row per refusal that an auditor looks for; the state of an access log is how many it holds."""

from collections.abc import Iterator
from typing import Any

import msgspec

from domain.access import AccessDenied, CommandRefused, PushRefused
from domain.errors import Code
from projections.columns import Column, Type
from projections.entity import Emitted, Key, Projection, Stored, Table
from projections.refusals.view import Refusal

REFUSALS = Table(
    name="refusals",
    columns=(Column("position", Type.BIGINT), Column("at", Type.INSTANT), Column("doc", Type.BYTES)),
    keep=True,
    indexes=("(at)",),
)
CODES = frozenset(
    each.value for each in (Code.APPROVAL_NOT_ALLOWED, Code.APPROVAL_VOID, Code.FORBIDDEN, Code.OUTSIDE_SCOPE)
)
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class Refusals(msgspec.Struct, frozen=True):
    """How many refusals of these kinds an access log holds."""

    count: int = 0


def _evolve(_: Key, state: Refusals | None, stored: Stored) -> Refusals:
    return Refusals((state.count if state else 0) + _matters(stored.event))


def _matters(event: Any) -> bool:
    return event.code in CODES and getattr(event, "method", "POST") not in _READING


def _emit(_: Key, __: Refusals, stored: Stored) -> Iterator[Emitted]:
    event: Any = stored.event
    if not _matters(event):
        return
    refusal = Refusal(
        position=stored.position,
        at=event.meta.at,
        actor=event.meta.actor,
        credential=event.meta.credential,
        subject_id=event.subject_id,
        action=f"{event.method} {event.route}" if isinstance(event, AccessDenied) else event.action,
        code=event.code,
        detail=event.detail,
        times=getattr(event, "times", 1),
    )
    yield Emitted(REFUSALS.name, (refusal.position, refusal.at, msgspec.json.encode(refusal)))


REFUSED: Projection[Refusals] = Projection(
    name="refusal_counts",
    version=1,
    state_type=Refusals,
    events=frozenset({PushRefused, CommandRefused, AccessDenied}),
    evolve=_evolve,
    further=(REFUSALS,),
    emit=_emit,
)
