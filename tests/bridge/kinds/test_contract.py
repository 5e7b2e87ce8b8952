"""What every kind of target promises, each with its real server, on this host and over SSH."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.protocol import FailureCause
from tests.bridge.deploying import AUTHORITY
from tests.bridge.kinds.servers import REFUSING_WEAK_KEYS, SWALLOWING
from tests.bridge.kinds.targets import Target
from tests.bridge.weak import weak
from tests.support.services.databases import PostgreSql


async def test_a_pushed_certificate_is_shown(target: Target) -> None:
    """A client sees exactly what was pushed, and the key beside it belongs to it."""
    new, applied = await target.push()
    assert (new.fingerprint, False) == (applied.fingerprint, applied.already_in_place)
    target.shows(new)


async def test_what_is_in_place_is_neither_written_nor_reloaded(target: Target) -> None:
    """Pushed again, no byte changes, and nothing of the profile is used: here it would fail."""
    new, _ = await target.push()
    before = target.files()
    unusable = target.with_changed(test=("false",), reload=("false",))
    _, applied = await unusable.push(new)
    assert applied.already_in_place
    assert before == target.files()
    target.shows(new)


async def test_a_key_of_another_certificate_is_refused(target: Target) -> None:
    """By the bridge itself, for every kind: nothing is touched, so nobody can swallow it."""
    old, _ = await target.push()
    before = target.files()
    failure = await target.fail(replace(AUTHORITY.server(), key=AUTHORITY.server().key))
    assert (FailureCause.INVALID_CERTIFICATE_OR_KEY, False) == (failure.cause, failure.written), failure.message
    assert before == target.files()
    target.shows(old)


async def test_an_activation_that_fails_is_rolled_back(target: Target) -> None:
    """Stopped, or with a broken configuration, or without its interface: the old certificate is there again."""
    old, _ = await target.push()
    before = target.files()
    with target.server.refusing():
        failure = await target.with_changed(serves_within_seconds=1).fail()
    assert (FailureCause.SERVICE_RELOAD_FAILED, False) == (failure.cause, failure.written), failure.message
    assert "Rolled back to" in failure.message
    assert before == target.files()
    target.shows(old)


@pytest.mark.parametrize("server", REFUSING_WEAK_KEYS, indirect=True, ids=lambda server: server.__name__)
async def test_a_pair_that_the_service_does_not_load_is_rolled_back(target: Target) -> None:
    """A matching pair with a key of 1,024 bits: refused aloud, or swallowed and seen by looking at what is shown."""
    old, _ = await target.push()
    before = target.files()
    failure = await target.with_changed(serves_within_seconds=1).fail(weak())
    assert failure.cause in {FailureCause.INVALID_CERTIFICATE_OR_KEY, FailureCause.SERVICE_RELOAD_FAILED}
    assert failure.written is False
    assert before == target.files()
    target.shows(old)


@pytest.mark.parametrize("server", SWALLOWING, indirect=True, ids=lambda server: server.__name__)
async def test_a_foreign_key_that_the_service_swallows_is_seen(target: Target, tmp_path: Path) -> None:
    """Somebody changes the key before the reload, which says yes: what is shown tells, and the old pair is back."""
    old, _ = await target.push()
    _, foreign = AUTHORITY.server().write(tmp_path, "foreign")
    changes = ("cp", str(foreign), "{place}/current/privkey.pem")
    failure = await target.with_changed(test=changes, serves_within_seconds=1).fail()
    assert (FailureCause.SERVICE_RELOAD_FAILED, False) == (failure.cause, failure.written), failure.message
    assert "does not show the new certificate within 1 s" in failure.message
    target.shows(old)


@pytest.mark.parametrize("server", [PostgreSql], indirect=True, ids=lambda server: server.__name__)
async def test_a_key_that_the_service_may_not_read_is_seen(target: Target) -> None:
    """The profile names no group: PostgreSQL cannot read the files, says yes, and goes on with the old ones."""
    if os.getuid() != 0:
        pytest.skip("only root has files that the server's user cannot read")
    old, _ = await target.push()
    failure = await target.with_changed(group=None, serves_within_seconds=1).fail()
    assert (FailureCause.SERVICE_RELOAD_FAILED, False) == (failure.cause, failure.written), failure.message
    assert f"it shows {old.fingerprint}" in failure.message
    target.shows(old)


async def test_what_is_there_is_read_back(target: Target) -> None:
    """Discovery returns the certificate that was pushed, from the files of this target."""
    new, _ = await target.push()
    found = (await target.deployer.discover()).found
    assert [(None, new.fingerprint, new.pem)] == [
        (each.profile, each.fingerprint_sha256, each.certificate_pem) for each in found
    ]


async def test_the_dry_run_changes_nothing(target: Target) -> None:
    """`certferry-bridge test` and Test Connection: looked at, tried to write, asked, and all is as it was."""
    old, _ = await target.push()
    before = target.files()
    sentence, steps = await target.deployer.test()
    assert old.fingerprint in sentence
    assert {"connect", "look", "write", "test", "serves", "read_back"} <= set(steps)
    assert before == target.files()
    target.shows(old)
