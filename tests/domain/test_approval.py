"""What an approval is bound to, and who stands behind an actor (domain page, section 4, rules 4 to 7)."""

from typing import Any

import msgspec
import pytest

from domain import ids
from domain.approval import DEFAULT_PUSH, DEFAULT_REDEPLOY, person_of, push_digest
from domain.entity import Actor, ActorKind
from tests.support.histories import (
    CONNECTOR_ID,
    FINGERPRINT,
    OTHER_BRIDGE_ID,
    SETTINGS,
    TARGET_ID,
    policy,
)

WHAT: dict[str, Any] = {
    "fingerprint_sha256": FINGERPRINT,
    "connector_id": CONNECTOR_ID,
    "profile": "shop",
    "endpoints": ("10.0.0.1:443", "10.0.0.2:443"),
    "server_name": "www.example.com",
    "target_system_id": TARGET_ID,
    "settings": SETTINGS,
}
OTHER = ids.derive("test", "another")


def digest(**different: Any) -> str:
    what: dict[str, Any] = WHAT | different
    return push_digest(**what)


def test_the_digest_of_the_same_push_is_the_same() -> None:
    """64 hex digits, and the order in which settings were written does not matter."""
    assert len(bytes.fromhex(digest())) == 32
    ab = msgspec.structs.replace(SETTINGS, settings={"a": 1, "b": {"c": 2, "d": 3}})
    ba = msgspec.structs.replace(SETTINGS, settings={"b": {"d": 3, "c": 2}, "a": 1})
    assert digest(settings=ab) == digest(settings=ba)


@pytest.mark.parametrize(
    "different",
    [
        {"fingerprint_sha256": "cd" * 32},
        {"connector_id": OTHER},
        {"profile": None},
        {"profile": "other"},
        {"endpoints": ("10.0.0.1:443",)},
        {"endpoints": ()},
        {"server_name": None},
        {"target_system_id": OTHER},
    ],
    ids=str,
)
def test_the_digest_covers_certificate_and_connector(different: dict[str, Any]) -> None:
    """Another certificate, connector, profile, endpoint or server name is another push."""
    assert digest() != digest(**different)


@pytest.mark.parametrize(
    "different",
    [
        {"version": 2},
        {"kind": "haproxy"},
        {"bridge_id": OTHER_BRIDGE_ID},
        {"settings": {"root": "/srv"}},
        {"secrets_version": 1},
        {"endpoints": ()},
        {"cloud": True},
    ],
    ids=str,
)
def test_the_digest_covers_the_target_settings(different: dict[str, Any]) -> None:
    """Version, kind, bridge, settings, secrets, endpoints and cloud of the target system: every field."""
    settings = msgspec.structs.replace(SETTINGS, **different)
    assert digest() != digest(settings=settings)


def test_no_field_of_the_target_settings_is_left_untested() -> None:
    """Name and tags are no such fields: they void no approval."""
    assert {f.name for f in msgspec.structs.fields(SETTINGS)} == {
        "version",
        "kind",
        "bridge_id",
        "settings",
        "secrets_version",
        "endpoints",
        "cloud",
    }


def test_the_digest_is_what_it_always_was() -> None:
    """Work orders keep digests: another way to compute them would void every approval."""
    assert digest() == "e4fb2128f0481a76bc82d163d5893e6ec379400e1e29a0cf1c4e92dcab5a4103"


@pytest.mark.parametrize(
    ("actor", "person"),
    [
        (Actor(ActorKind.USER, "rita"), "rita"),
        (Actor(ActorKind.USER, "token-7", on_behalf_of="rita"), "rita"),
        (Actor(ActorKind.AUTOMATION, "renewal", on_behalf_of="rita"), "rita"),
        (Actor(ActorKind.COURIER, "courier-1", on_behalf_of="rita"), "rita"),
        (Actor(ActorKind.AUTOMATION, "renewal"), "renewal"),
    ],
)
def test_the_person_behind_an_actor(actor: Actor, person: str) -> None:
    """A token or automation counts as whoever it acts for."""
    assert person == person_of(actor)


@pytest.mark.parametrize(("levels", "needed"), [(0, 0), (1, 0), (2, 1), (3, 2), (5, 4)])
def test_levels_count_implement(levels: int, needed: int) -> None:
    """N levels = N-1 approvals before Implement."""
    assert needed == policy(levels).approvals_needed


def test_the_default_policies() -> None:
    """Two levels for a push, none for deploying again what was approved and deployed already."""
    assert (DEFAULT_PUSH.levels, DEFAULT_REDEPLOY.levels) == (2, 0)
    assert DEFAULT_PUSH.id != DEFAULT_REDEPLOY.id
