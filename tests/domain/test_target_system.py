"""Target systems: described, changed, tested, retired."""

from typing import Any

import msgspec
import pytest

from domain import target_system as targets
from domain.errors import Code
from domain.target_system import TargetSettings, TargetSystemChanged, TargetSystemRegistered, TargetSystemTested
from tests.support.deciders import Given, Then, given, state_of
from tests.support.histories import BRIDGE_ACTOR, BRIDGE_ID, OPERATOR, OTHER_BRIDGE_ID, SETTINGS, by

REGISTERED = TargetSystemRegistered(
    meta=by(OPERATOR), name="web-1", bridge_id=BRIDGE_ID, settings=SETTINGS, secrets_set=("key",), tags=("prod",)
)


def change(history: Given, *, name: str = "web-1", tags: tuple[str, ...] = ("prod",), **different: Any) -> Then:
    secrets_set = different.pop("secrets_set", ("key",))
    wanted: TargetSettings = msgspec.structs.replace(SETTINGS, version=0, **different)
    return history.when(targets.change, by(OPERATOR), name=name, tags=tags, wanted=wanted, secrets_set=secrets_set)


def changed(settings: TargetSettings, **different: Any) -> TargetSystemChanged:
    usual: dict[str, Any] = {"name": "web-1", "secrets_set": ("key",), "tags": ("prod",)}
    return TargetSystemChanged(meta=by(OPERATOR), bridge_id=settings.bridge_id, settings=settings, **usual | different)


def test_a_registered_target_system() -> None:
    """Kind, bridge, settings without secrets; the names of the secrets that were given."""
    found = state_of(REGISTERED)
    assert (found.name, found.settings, found.bridge_id, found.secrets_set) == ("web-1", SETTINGS, BRIDGE_ID, ("key",))


@pytest.mark.parametrize(
    "different",
    [
        {"kind": "haproxy"},
        {"bridge_id": OTHER_BRIDGE_ID},
        {"settings": {"root": "/srv"}},
        {"secrets_version": 1},
        {"endpoints": ("10.0.0.9:443",)},
        {"cloud": True},
    ],
    ids=lambda different: next(iter(different)),
)
def test_what_a_push_depends_on_counts_the_version_on(different: dict[str, Any]) -> None:
    """Kind, bridge, settings, secrets, endpoints, cloud: approvals are bound to this version."""
    settings = msgspec.structs.replace(SETTINGS, version=2, **different)
    then = change(given(REGISTERED), **different).then(changed(settings))
    assert then.state.settings == settings


@pytest.mark.parametrize("different", [{"name": "web-2"}, {"tags": ()}])
def test_name_and_tags_leave_the_version_alone(different: dict[str, Any]) -> None:
    """A new name or other tags void no approval."""
    change(given(REGISTERED), **different).then(changed(SETTINGS, **different))


def test_a_change_back_is_a_change() -> None:
    """A to B and back to A is version 3: what was approved in between does not come back."""
    there = change(given(REGISTERED), cloud=True)
    back = change(given(REGISTERED, *there.decided))
    assert back.state.settings.version == 3


def test_describing_it_the_same_changes_nothing() -> None:
    """A repeat makes no event."""
    change(given(REGISTERED)).then_nothing()


def test_retired_once_and_for_all() -> None:
    """No longer in use: a repeat makes no event, a change is refused."""
    then = given(REGISTERED).when(targets.retire, by(OPERATOR))
    assert then.state.retired
    given(REGISTERED, *then.decided).when(targets.retire, by(OPERATOR)).then_nothing()
    change(given(REGISTERED, *then.decided), name="web-2").refused(
        Code.INVALID_TRANSITION, saying="retired", current_status="retired", allowed=[]
    )


def test_test_connection_as_the_bridge_reported_it() -> None:
    """The latest test stands beside the target system, in the bridge's words without control characters."""
    then = given(REGISTERED).when(targets.record_test, by(BRIDGE_ACTOR), healthy=False, message="no\x00 route")
    then.then(TargetSystemTested(meta=by(BRIDGE_ACTOR), healthy=False, message="no route"))
    assert (then.state.last_test_healthy, then.state.last_test_message) == (False, "no route")
