"""How one connector is verified, where that differs from what holds for all."""

from enum import StrEnum

import msgspec

from domain.errors import Code, Refused

LONGEST = 7 * 86_400
"""Seconds, of a grace period and between two looks."""
SHORTEST = 60
"""Seconds between two looks: schedules are kept by the minute."""


class Vantage(StrEnum):
    """From where an endpoint is looked at: from the service itself, or from the bridge of its target system."""

    CONTROL_PLANE = "control-plane"
    BRIDGE = "bridge"


class VerificationPlan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """None: as the service is set (`[verification]`). `grace_seconds`: after a push, until what is served counts;
    `every_seconds`: between two looks by themselves; `vantage`: from where.
    """

    grace_seconds: int | None = None
    every_seconds: int | None = None
    vantage: Vantage | None = None


AS_FOR_ALL = VerificationPlan()


def checked(plan: VerificationPlan) -> VerificationPlan:
    """The plan itself. Raises Refused(validation-failed) with the pointer of what makes no sense."""
    if plan.grace_seconds is not None and not 0 <= plan.grace_seconds <= LONGEST:
        raise _refused("grace_seconds", f"A grace period is from 0 to {LONGEST} seconds (seven days).")
    every = plan.every_seconds
    if every is not None and (not SHORTEST <= every <= LONGEST or every % SHORTEST):
        raise _refused("every_seconds", f"Choose whole minutes, in seconds: from {SHORTEST} to {LONGEST} (seven days).")
    return plan


def _refused(field: str, sentence: str) -> Refused:
    return Refused(Code.VALIDATION_FAILED, sentence, pointer=f"/verification/{field}")
