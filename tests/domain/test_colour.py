"""Manual "Color Codes Status": the eight colours, their boundaries and their precedence."""

from datetime import datetime, timedelta
from itertools import combinations

import msgspec
import pytest

from domain import association, certificate, colour
from domain.certificate import Certificate, CertificateRevoked
from domain.colour import Colour, Shade, Thresholds
from domain.connector import Connector
from domain.connector_events import SyncChanged, SyncReason, SyncState
from domain.entity import Event
from tests.support.deciders import state_of
from tests.support.histories import (
    DAY,
    OPERATOR,
    SECOND,
    T0,
    TARGET_ID,
    a_certificate,
    associated,
    by,
    dispatched,
    facts,
    imported,
    reported,
    taken,
)

NOT_BEFORE, NOT_AFTER = facts().not_before, facts().not_after
REVOKED = CertificateRevoked(meta=by(OPERATOR, T0 - 365 * DAY), reason="keyCompromise")


def certificate_at(left: timedelta, *more: Event, thresholds: Thresholds = Thresholds()) -> Shade:
    """The certificate node when so much validity is left."""
    return colour.of_certificate(state_of(*imported(), *more), NOT_AFTER - left, thresholds)


@pytest.mark.parametrize(
    ("left", "expected", "reason"),
    [
        (90 * DAY + SECOND, Colour.GREEN, "available and valid"),
        (90 * DAY, Colour.BLUE, "expires within 90 days"),
        (30 * DAY + SECOND, Colour.BLUE, "expires within 90 days"),
        (30 * DAY, Colour.YELLOW, "expires within 30 days"),
        (10 * DAY + SECOND, Colour.YELLOW, "expires within 30 days"),
        (10 * DAY, Colour.ORANGE, "expires within 10 days"),
        (SECOND, Colour.ORANGE, "expires within 10 days"),
        (timedelta(0), Colour.ORANGE, "expires within 10 days"),
        (-SECOND, Colour.RED, "expired"),
    ],
)
def test_boundaries_to_the_second(left: timedelta, expected: Colour, reason: str) -> None:
    """Green, Blue (90 days), Yellow (30), Orange (10), Red (expired); boundaries inclusive, not_after still valid."""
    assert certificate_at(left) == Shade(expected, (reason,))


def test_thresholds_are_policy_data() -> None:
    """Certificates of 47 days would always be Blue; other thresholds mend that."""
    short = Thresholds(blue=20, yellow=10, orange=3)
    assert certificate_at(47 * DAY, thresholds=short).colour is Colour.GREEN
    assert certificate_at(20 * DAY, thresholds=short) == Shade(Colour.BLUE, ("expires within 20 days",))
    assert certificate_at(3 * DAY, thresholds=short) == Shade(Colour.ORANGE, ("expires within 3 days",))


@pytest.mark.parametrize(
    ("left", "also"),
    [(190 * DAY, ()), (10 * DAY, ("expires within 10 days",)), (-SECOND, ("expired",))],
)
def test_black_has_been_revoked(left: timedelta, also: tuple[str, ...]) -> None:
    """Black wins; what else holds is listed, and a revoked certificate is never called available and valid."""
    assert certificate_at(left, REVOKED) == Shade(Colour.BLACK, ("revoked (keyCompromise)", *also))


def test_black_from_the_instant_of_the_revocation() -> None:
    """Asked for earlier instants, history shows the colour of then."""
    revoked: Certificate = state_of(*imported(), CertificateRevoked(meta=by(OPERATOR, T0), reason="superseded"))
    assert colour.of_certificate(revoked, T0 - SECOND).colour is Colour.GREEN
    assert colour.of_certificate(revoked, T0).colour is Colour.BLACK


@pytest.mark.parametrize(
    ("not_before", "left", "expected"),
    [
        (NOT_AFTER - 100 * DAY, 101 * DAY, Shade(Colour.GREEN, ("not yet valid",))),
        (NOT_AFTER - 20 * DAY, 25 * DAY, Shade(Colour.YELLOW, ("expires within 30 days", "not yet valid"))),
    ],
)
def test_not_yet_valid_follows_the_same_scale(not_before: datetime, left: timedelta, expected: Shade) -> None:
    """With its reason listed."""
    found = a_certificate(not_before=not_before)
    assert expected == colour.of_certificate(found, NOT_AFTER - left)


# ---------------------------------------------------------------- connectors

DEPLOYED = reported()[0]
FAILED = reported(succeeded=False, message="no")[0]
PROFILED = reported(taken(dispatched(associated(profile="shop"))))[0]


def removed(history: tuple[Event, ...]) -> tuple[Event, ...]:
    return *history, *association.dissociate(state_of(*history), by(OPERATOR))


def out_of_sync(history: tuple[Event, ...], reason: SyncReason) -> tuple[Event, ...]:
    seen = SyncChanged(meta=by(OPERATOR), state=SyncState.OUT_OF_SYNC, reason=reason, discovery_id=TARGET_ID)
    return *history, seen


def connector_at(history: tuple[Event, ...], left: timedelta = 190 * DAY, *certificate_events: Event) -> Shade:
    return colour.of_connector(state_of(*history), state_of(*imported(), *certificate_events), NOT_AFTER - left)


@pytest.mark.parametrize("history", [associated(), dispatched()[0], DEPLOYED, PROFILED])
def test_green_available_and_valid(history: tuple[Event, ...]) -> None:
    """A connector has its certificate's colour where nothing else is to be said."""
    assert connector_at(history) == Shade(Colour.GREEN, ("available and valid",))


def test_gray_push_action_failed() -> None:
    """Gray: the latest push on that connector failed; a new attempt ends it."""
    assert connector_at(FAILED) == Shade(Colour.GRAY, ("latest push failed", "available and valid"))


def test_mid_purple_manually_removed() -> None:
    """Mid Purple: the association was removed."""
    assert connector_at(removed(DEPLOYED)) == Shade(Colour.MID_PURPLE, ("association removed", "available and valid"))


def test_mid_purple_profile_removed_on_the_device() -> None:
    """A profile that a healthy discovery no longer returns was removed on the device."""
    gone = out_of_sync(PROFILED, SyncReason.NOT_RETURNED)
    assert connector_at(gone) == Shade(
        Colour.MID_PURPLE, ("profile no longer returned by the target system", "available and valid")
    )


@pytest.mark.parametrize(
    "history",
    [
        out_of_sync(DEPLOYED, SyncReason.NOT_RETURNED),
        out_of_sync(PROFILED, SyncReason.CONNECTOR_UNHEALTHY),
        out_of_sync(PROFILED, SyncReason.SUPERSEDED_ON_DEVICE),
    ],
    ids=["no profile", "unhealthy", "superseded"],
)
def test_not_every_out_of_sync_is_mid_purple(history: tuple[Event, ...]) -> None:
    """Without a profile, or for another reason, sync says so and the colour does not."""
    assert connector_at(history).colour is Colour.GREEN


# What makes each colour hold, as (connector history, certificate's time left, certificate events).
HOLDS: dict[Colour, str] = {
    Colour.BLACK: "revoked (keyCompromise)",
    Colour.RED: "expired",
    Colour.MID_PURPLE: "association removed",
    Colour.GRAY: "latest push failed",
    Colour.ORANGE: "expires within 10 days",
    Colour.YELLOW: "expires within 30 days",
    Colour.BLUE: "expires within 90 days",
    Colour.GREEN: "available and valid",
}
LEFT = {
    Colour.RED: -SECOND,
    Colour.ORANGE: 10 * DAY,
    Colour.YELLOW: 30 * DAY,
    Colour.BLUE: 90 * DAY,
    Colour.GREEN: 190 * DAY,
}


def possible(together: tuple[Colour, ...]) -> bool:
    """The time left has one value; a revoked certificate is not valid."""
    revoked_and_valid = {Colour.BLACK, Colour.GREEN} <= set(together)
    return len(LEFT.keys() & set(together)) <= 1 and not revoked_and_valid


COMBINATIONS = [c for n in range(1, 5) for c in combinations(Colour, n) if possible(c)]


@pytest.mark.parametrize("together", COMBINATIONS, ids="+".join)
def test_precedence(together: tuple[Colour, ...]) -> None:
    """Black > Red > Mid Purple > Gray > Orange > Yellow > Blue > Green, always with everything that holds."""
    history = FAILED if Colour.GRAY in together else DEPLOYED
    history = removed(history) if Colour.MID_PURPLE in together else history
    scale = LEFT.keys() & set(together)
    left = LEFT[next(iter(scale))] if scale else LEFT[Colour.GREEN]
    shade = connector_at(history, left, *((REVOKED,) if Colour.BLACK in together else ()))
    expected = together if scale or Colour.BLACK in together else (*together, Colour.GREEN)
    assert Shade(together[0], tuple(HOLDS[c] for c in expected)) == shade


def test_all_eight_colours_can_be_seen() -> None:
    """And none besides."""
    assert {together[0] for together in COMBINATIONS} == set(Colour)
    assert len(Colour) == 8
    assert list(colour.MEANING) == list(colour.PRECEDENCE) == list(Colour)


def test_a_certificate_node_is_never_mid_purple_or_gray() -> None:
    """Those two say something about an association."""
    days = (certificate_at(timedelta(days=n), *more).colour for n in range(-5, 200) for more in ((), (REVOKED,)))
    assert set(days) == set(Colour) - {Colour.MID_PURPLE, Colour.GRAY}


def test_a_bridge_has_the_worst_colour_of_its_connectors() -> None:
    """Green without any."""
    assert colour.worst([Colour.GREEN, Colour.GRAY, Colour.BLUE]) is Colour.GRAY
    assert colour.worst([Colour.MID_PURPLE, Colour.RED]) is Colour.RED
    assert colour.worst([]) is Colour.GREEN


def test_colour_and_status_agree() -> None:
    """Red exactly when expired, Black exactly when revoked, at every instant around the ends of the validity."""
    for offset in (-2 * SECOND, -SECOND, 0 * SECOND, SECOND, timedelta(microseconds=1)):
        for more in ((), (REVOKED,)):
            found: Certificate = state_of(*imported(), *more)
            shade, status = (
                colour.of_certificate(found, NOT_AFTER + offset),
                certificate.status(found, NOT_AFTER + offset),
            )
            assert (shade.colour is Colour.BLACK) == (status == "revoked")
            assert (shade.colour is Colour.RED) == (status == "expired")


def test_the_state_holds_no_colour() -> None:
    """Colours are functions of facts and the clock, never stored."""
    fields = {f.name for kind in (Certificate, Connector) for f in msgspec.structs.fields(kind)}
    assert not any("colour" in name for name in fields)
