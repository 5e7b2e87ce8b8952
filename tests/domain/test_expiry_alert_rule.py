"""Expiry alert rules: which certificates, and when."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Refused
from domain.expiry_alert_rule import ExpiryAlertRule, checked, matches, reached, thresholds
from tests.support.histories import CERTIFICATE_ID, DAY, T0, a_certificate

RULE = ExpiryAlertRule(name="All")
CERTIFICATE = a_certificate()  # 200 days, 190 of them left at T0
END = CERTIFICATE.facts.not_after


@pytest.mark.parametrize(
    ("left", "label"),
    [
        (90 * DAY + timedelta(seconds=1), None),
        (90 * DAY, "90d"),
        (31 * DAY, "90d"),
        (30 * DAY, "30d"),
        (DAY, "10d"),
        (timedelta(seconds=1), "10d"),
        (timedelta(0), "expired"),
        (-400 * DAY, "expired"),
    ],
)
def test_the_threshold_that_was_reached_last(left: timedelta, label: str | None) -> None:
    """90, 30 and 10 days unless others are set; the instant itself counts."""
    found = reached(RULE, CERTIFICATE, END - left)
    assert label == (found.label if found is not None else None)


def test_a_share_of_the_lifetime_suits_short_and_long_ones() -> None:
    """A third of 200 days; beside thresholds in days, what comes last counts."""
    rule = ExpiryAlertRule(name="Third", thresholds=(), relative_thresholds=(33,))
    assert reached(rule, CERTIFICATE, END - 66 * DAY - timedelta(seconds=1)) is None
    assert "33%" == getattr(reached(rule, CERTIFICATE, END - 66 * DAY), "label", None)
    both = msgspec.structs.replace(rule, thresholds=(90,))
    assert ["90d", "33%", "expired"] == [each.label for each in sorted(thresholds(both, CERTIFICATE))]


@given(st.lists(st.integers(1, 400), max_size=5), st.lists(st.integers(1, 99), max_size=3), st.integers(-10, 210))
def test_thresholds_never_go_back(days: list[int], percents: list[int], left: int) -> None:
    """Once a threshold was reached, only later ones follow."""
    rule = ExpiryAlertRule(name="Any", thresholds=tuple(days), relative_thresholds=tuple(percents))
    before = reached(rule, CERTIFICATE, END - timedelta(days=left))
    after = reached(rule, CERTIFICATE, END - timedelta(days=left - 1))
    assert before is None or (after is not None and after >= before)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, True),
        ({"owners": ("team",)}, True),
        ({"owners": ("other",)}, False),
        ({"tags": ("db", "web")}, True),
        ({"tags": ("db",)}, False),
        ({"issuers": ("local",)}, True),
        ({"issuers": ("other",)}, False),
        ({"names": ("www.example.com",)}, True),
        ({"names": ("*.example.com",)}, True),
        ({"names": ("example.org",)}, False),
        ({"owners": ("team",), "tags": ("db",)}, False),
    ],
)
def test_filters(filters: dict[str, Any], found: bool) -> None:
    """Several values of one filter mean "or", several filters "and"."""
    mine = msgspec.structs.replace(CERTIFICATE, owner="team", tags=("web",))
    assert found is matches(msgspec.structs.replace(RULE, **filters), mine)


def test_renewed_and_revoked_certificates_concern_nobody() -> None:
    """Whatever the rule says."""
    assert not matches(RULE, msgspec.structs.replace(CERTIFICATE, renewed_to=CERTIFICATE_ID))
    assert not matches(RULE, msgspec.structs.replace(CERTIFICATE, revoked_at=T0))


def test_rules_have_one_spelling() -> None:
    """The widest threshold first, each once; patterns are checked."""
    rule = checked(ExpiryAlertRule(name="All", thresholds=(10, 90, 10), relative_thresholds=(5, 33), names=("A.org",)))
    assert ((90, 10), (33, 5), ("a.org",)) == (rule.thresholds, rule.relative_thresholds, rule.names)
    with pytest.raises(Refused) as caught:
        checked(ExpiryAlertRule(name="All", names=("*", "**")))
    assert "/names/1" == caught.value.pointer
