"""The eight colours of the topology view (manual "Color Codes Status"): functions of facts and the clock.

They are never stored in events. One colour per node, by precedence, and always every reason that holds.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

import msgspec

from domain.certificate import Certificate
from domain.connector import Connector
from domain.connector_events import SyncReason
from domain.push_states import DeploymentStatus


class Colour(StrEnum):
    """In order of precedence: the first that holds is shown."""

    BLACK = "black"
    RED = "red"
    MID_PURPLE = "mid_purple"
    GRAY = "gray"
    ORANGE = "orange"
    YELLOW = "yellow"
    BLUE = "blue"
    GREEN = "green"


PRECEDENCE: dict[Colour, int] = {colour: rank for rank, colour in enumerate(Colour)}

MEANING: dict[Colour, str] = {
    Colour.BLACK: "Revoked",
    Colour.RED: "Expired",
    Colour.MID_PURPLE: "Manually removed",
    Colour.GRAY: "Push action failed",
    Colour.ORANGE: "Expires in 10 days",
    Colour.YELLOW: "Expires in 30 days",
    Colour.BLUE: "Expires in 90 days",
    Colour.GREEN: "Available and valid",
}


class Thresholds(msgspec.Struct, frozen=True):
    """Days before expiry at which the colour changes; policy data, because 47-day certificates are always Blue."""

    blue: int = 90
    yellow: int = 30
    orange: int = 10


class Shade(NamedTuple):
    """The one colour of a node and everything that holds, most urgent first."""

    colour: Colour
    reasons: tuple[str, ...]


def of_certificate(certificate: Certificate, now: datetime, thresholds: Thresholds = Thresholds()) -> Shade:
    """Black, Red, Orange, Yellow, Blue or Green. Boundaries are inclusive; `not_after` itself is still valid."""
    return _shade(_certificate_reasons(certificate, now, thresholds))


def of_connector(
    connector: Connector, certificate: Certificate, now: datetime, thresholds: Thresholds = Thresholds()
) -> Shade:
    """All eight colours."""
    found = _certificate_reasons(certificate, now, thresholds)
    if not connector.associated:
        found.append((Colour.MID_PURPLE, "association removed"))
    elif connector.sync_reason is SyncReason.NOT_RETURNED and connector.profile is not None:
        found.append((Colour.MID_PURPLE, "profile no longer returned by the target system"))
    if connector.deployment_status is DeploymentStatus.FAILED:
        found.append((Colour.GRAY, "latest push failed"))
    return _shade(found)


def worst(colours: Iterable[Colour]) -> Colour:
    """The colour of a bridge: the most urgent of its connectors; Green without any."""
    return min(colours, key=PRECEDENCE.__getitem__, default=Colour.GREEN)


def _certificate_reasons(certificate: Certificate, now: datetime, thresholds: Thresholds) -> list[tuple[Colour, str]]:
    found: list[tuple[Colour, str]] = []
    if certificate.revoked_at is not None and certificate.revoked_at <= now:
        found.append((Colour.BLACK, f"revoked ({certificate.revocation_reason})"))
    early = now < certificate.facts.not_before
    colour, reason = _by_time_left(certificate.facts.not_after - now, thresholds)
    if colour is not Colour.GREEN or not (found or early):  # revoked or early is not "available and valid"
        found.append((colour, reason))
    if early:
        found.append((colour, "not yet valid"))
    return found


def _by_time_left(left: timedelta, thresholds: Thresholds) -> tuple[Colour, str]:
    if left < timedelta(0):
        return Colour.RED, "expired"
    for colour, days in (
        (Colour.ORANGE, thresholds.orange),
        (Colour.YELLOW, thresholds.yellow),
        (Colour.BLUE, thresholds.blue),
    ):
        if left <= timedelta(days=days):
            return colour, f"expires within {days} days"
    return Colour.GREEN, "available and valid"


def _shade(found: list[tuple[Colour, str]]) -> Shade:
    ordered = sorted(found, key=lambda item: PRECEDENCE[item[0]])
    return Shade(ordered[0][0], tuple(reason for _, reason in ordered))
