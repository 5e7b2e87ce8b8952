"""Asking for work, including work this version does not understand: that one is answered, not ignored."""

from typing import NamedTuple

import msgspec

from bridge.client import ControlPlane
from bridge.protocol import (
    LEASE_PATH,
    Assignment,
    FailureCause,
    Held,
    LeaseRequest,
    Outcome,
    ResultRequest,
)
from bridge.text import clean


class _RawAnswer(msgspec.Struct, frozen=True):
    assignments: tuple[msgspec.Raw, ...] = ()


class Leased(NamedTuple):
    """What came: assignments, and reports about those that cannot be understood."""

    assignments: list[Assignment]
    not_understood: list[ResultRequest]


async def lease(control_plane: ControlPlane, capacity: int, wait_seconds: float) -> Leased:
    """One long poll. CallFailed or Pointless."""
    request = LeaseRequest(capacity=min(capacity, 100), wait_seconds=wait_seconds)
    answer = await control_plane.call(LEASE_PATH, request, _RawAnswer, wait_seconds)
    leased = Leased([], [])
    for raw in answer.assignments:
        try:
            leased.assignments.append(msgspec.json.decode(raw, type=Assignment))
        except msgspec.ValidationError as error:
            leased.not_understood.extend(_not_understood(raw, error))
    return leased


def _not_understood(raw: msgspec.Raw, error: msgspec.ValidationError) -> list[ResultRequest]:
    try:
        held = msgspec.json.decode(raw, type=Held)
    except msgspec.ValidationError:
        return []  # not even its name can be read: its lease will end by itself
    result = ResultRequest(
        assignment_id=held.assignment_id,
        fence=held.fence,
        outcome=Outcome.FAILED,
        cause=FailureCause.UNKNOWN,
        message=clean(f"This version of the bridge does not understand the assignment: {error}"),
        written=False,
    )
    return [result]
