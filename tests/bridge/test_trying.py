"""The dry run of a target of the bridge's own configuration: its secrets come from files, and it changes nothing."""

from pathlib import Path

import pytest

from bridge.config import Config, DryRunTarget, ReloadProfile
from bridge.protocol import FailureCause, Outcome
from bridge.trying import try_target
from tests.bridge.deploying import files_of


def target(root: Path, kind: str, **secret_files: str) -> DryRunTarget:
    settings = {"transport": "local", "root": str(root), "reload_profile": "web"}
    return DryRunTarget(kind=kind, settings=settings, secret_files=secret_files)


def config(root: Path, profile: ReloadProfile) -> Config:
    return Config(roots=(str(root),), profiles={"web": profile})


async def test_secrets_come_from_files(root: Path, tmp_path: Path) -> None:
    """Without its end of line; what is missing is named, and what is there is never told."""
    password = tmp_path / "password"
    password.write_text("canary-oop4Aeth\n")
    allowed = config(root, ReloadProfile())
    tried = await try_target(target(root, "tomcat", keystore_password=str(password)), allowed)
    assert (Outcome.SUCCESS, False) == (tried.outcome, "canary" in str(tried))
    refused = await try_target(target(root, "tomcat"), allowed)
    assert (Outcome.FAILED, True) == (refused.outcome, "keystore_password" in refused.message)
    unread = await try_target(target(root, "tomcat", keystore_password=str(tmp_path / "none")), allowed)
    assert f"{tmp_path / 'none'} cannot be read." == unread.message


@pytest.mark.parametrize(
    ("profile", "sentence"),
    [
        (ReloadProfile(signal="HUP", pid_file="/nonexistent/daemon.pid"), "There is no /nonexistent/daemon.pid"),
        (ReloadProfile(api="/nonexistent/admin.sock"), "/nonexistent/admin.sock cannot be reached"),
        (ReloadProfile(serves="127.0.0.1:9"), "127.0.0.1:9 shows no certificate"),
        (ReloadProfile(group="no-such-group"), "The target has no group 'no-such-group'"),
    ],
    ids=["signal", "api", "serves", "group"],
)
async def test_what_a_push_would_need_and_is_not_there(root: Path, profile: ReloadProfile, sentence: str) -> None:
    """Told before anything is pushed."""
    tried = await try_target(target(root, "haproxy"), config(root, profile))
    assert (Outcome.FAILED, True) == (tried.outcome, sentence in tried.message), tried.message
    assert {} == files_of(root)


async def test_an_interface_that_a_kind_does_not_have(root: Path) -> None:
    """`api` in the profile of a kind that has none is a mistake that would activate nothing."""
    tried = await try_target(target(root, "nginx"), config(root, ReloadProfile(api="127.0.0.1:9")))
    assert (FailureCause.UNKNOWN, True) == (tried.cause, "for this kind of target there is none" in tried.message)
