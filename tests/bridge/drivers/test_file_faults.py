"""What file systems refuse, and what the bridge refuses by itself: causes, messages, and nothing half done."""

import asyncio
import os
import pwd
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.config import ReloadProfile
from bridge.protocol import FailureCause
from tests.bridge.deploying import AUTHORITY, Deployer, config_for, files_of
from tests.bridge.unprivileged import as_ordinary_user, open_directory, small_file_system
from tests.support.sshd import Sshd, running_sshd


def plain(root: Path, **settings: object) -> Deployer:
    """A local target without a service: only files."""
    config = config_for(root, (), ())
    return Deployer({"transport": "local", "root": str(root), "reload_profile": "web"} | settings, config, kind="files")


def plain_over_ssh(root: Path, sshd: Sshd) -> Deployer:
    return replace(plain(root), settings=sshd.settings(root, "web"), secrets={"ssh_private_key": sshd.user_key})


@pytest.fixture(params=["local", "ssh"])
def files(request: pytest.FixtureRequest, root: Path, sshd: Sshd) -> Deployer:
    return plain(root) if request.param == "local" else plain_over_ssh(root, sshd)


def test_a_directory_without_write_permission() -> None:
    """0555: permission_denied, with the path in the message."""
    new = AUTHORITY.server()
    with open_directory() as directory:
        root = directory / "tls"
        root.mkdir(mode=0o555)

        def denied() -> tuple[str, bool | None, str]:
            failure = asyncio.run(plain(root).fail(new))
            return failure.cause, failure.written, failure.message

        assert (
            FailureCause.PERMISSION_DENIED,
            False,
            f"{root}/releases: Permission denied.",
        ) == as_ordinary_user(denied)


async def test_a_directory_without_write_permission_over_ssh() -> None:
    """The same answer from an OpenSSH server that runs as an ordinary user."""
    user = None if os.getuid() != 0 else "postgres"
    if user is not None and user not in {each.pw_name for each in pwd.getpwall()}:
        pytest.skip("as root this needs an ordinary user with a shell (postgres), and there is none")
    with open_directory() as directory, running_sshd(user) as server:
        root = directory / "tls"
        root.mkdir(mode=0o555)
        failure = await plain_over_ssh(root, server).fail(AUTHORITY.server())
    assert (FailureCause.PERMISSION_DENIED, False) == (failure.cause, failure.written)
    assert f"{root}/releases: permission denied." == failure.message


@pytest.mark.parametrize("scarce", ["blocks", "inodes"])
@pytest.mark.parametrize("transport", ["local", "ssh"])
async def test_a_full_disk(tmp_path: Path, sshd: Sshd, transport: str, scarce: str) -> None:
    """disk_full, for space and for inodes: what was written of the release is gone, the old one is in use."""
    # Ten inodes: eight for the first release, and not enough for a second one.
    with small_file_system(tmp_path / "small", "size=64k" if scarce == "blocks" else "nr_inodes=10") as root:
        target = plain(root) if transport == "local" else plain_over_ssh(root, sshd)
        await target.apply(AUTHORITY.server())
        if scarce == "blocks":
            fill(root / "rest", leave_pages=1)
        before = files_of(root)
        failure = await target.fail(AUTHORITY.server(), fence=2)
        assert (FailureCause.DISK_FULL, False) == (failure.cause, failure.written)
        assert before == files_of(root)


def fill(path: Path, leave_pages: int) -> None:
    """Take all space of a file system but so many pages."""
    system = os.statvfs(path.parent)
    path.write_bytes(bytes((system.f_bavail - leave_pages) * system.f_frsize))


@pytest.mark.parametrize("transport", ["local", "ssh"])
async def test_a_read_only_file_system(tmp_path: Path, sshd: Sshd, transport: str) -> None:
    """permission_denied: SFTP says no more than `Failure`, so the file system is asked."""
    with small_file_system(tmp_path / "small", "size=1m") as root:
        make_read_only(root)
        target = plain(root) if transport == "local" else plain_over_ssh(root, sshd)
        failure = await target.fail(AUTHORITY.server())
        assert (FailureCause.PERMISSION_DENIED, False) == (failure.cause, failure.written)
        assert "read-only" in failure.message.lower()


def make_read_only(root: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(root)], check=True)


@pytest.mark.parametrize("link", ["parent", "root", "profile", "releases"])
async def test_a_symbolic_link_on_the_way_is_refused(files: Deployer, tmp_path: Path, link: str) -> None:
    """No directory of a path may be a link: nothing is written where it leads."""
    outside = tmp_path / "outside"
    (outside / "tls").mkdir(parents=True)
    root = tmp_path / "roots/tls"
    if link == "parent":
        (tmp_path / "roots").symlink_to(outside)
    elif link == "root":
        (tmp_path / "roots").mkdir()
        root.symlink_to(outside / "tls")
    else:
        (root / "shop").mkdir(parents=True)
        taken = root / "shop" if link == "profile" else root / "shop/releases"
        taken.rmdir() if link == "profile" else None
        taken.symlink_to(outside)
    target = replace(
        files.with_config(roots=(str(tmp_path),)), settings={**files.settings, "root": str(root)}, profile="shop"
    )
    failure = await target.fail(AUTHORITY.server())
    assert (FailureCause.PERMISSION_DENIED, False) == (failure.cause, failure.written)
    assert "is a symbolic link" in failure.message
    assert {} == files_of(outside)


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/etc/ssl", "below none of the roots"),
        ("{root}/../elsewhere", "settings are refused"),
        ("{root}//x", "settings are refused"),
        ("{root}/./x", "settings are refused"),
        ("{root}/", "settings are refused"),
        ("/{root}", "settings are refused"),
        ("{root}x", "below none of the roots"),
        ("tls", "settings are refused"),
        ("{root}/a\nb", "settings are refused"),
        ("{root}\n", "settings are refused"),
        ("{root}/a\x00b", "settings are refused"),
        ("{root}/\u202e", "control characters"),
    ],
)
async def test_paths_outside_the_configured_roots_are_refused(files: Deployer, path: str, sentence: str) -> None:
    """Absolute, normalised, plain, and below a root that the bridge's owner configured: all else is refused."""
    limited = files.with_config(remote_roots=files.config.roots)
    settings = {**files.settings, "root": path.format(root=files.settings["root"])}
    failure = await replace(limited, settings=settings).fail(AUTHORITY.server())
    assert failure.written is False
    assert sentence in failure.message
    assert not any(ord(character) < 32 for character in failure.message)


@pytest.mark.parametrize("profile", ["..", ".", "a/b", "a\n", "", "current", "releases", "-x", "x" * 65, "a\x00"])
async def test_profiles_that_are_no_plain_names_are_refused(files: Deployer, profile: str) -> None:
    """A profile becomes one directory below the root, or nothing."""
    before = files_of(files.place)
    failure = await replace(files, profile=profile or "\t").fail(AUTHORITY.server())
    assert FailureCause.PERMISSION_DENIED is failure.cause
    assert "cannot be a directory name" in failure.message
    assert before == files_of(files.place)


@pytest.mark.parametrize("name", ["$(id)", "web; id", "web\n", "../web", "", "unknown"])
async def test_reload_profiles_come_from_the_bridge_only(files: Deployer, name: str) -> None:
    """A name that the bridge's configuration does not have runs nothing."""
    failure = await replace(files, settings={**files.settings, "reload_profile": name}).fail(AUTHORITY.server())
    assert (FailureCause.UNKNOWN, False) == (failure.cause, failure.written)
    assert {} == files_of(files.place)


async def test_whatever_a_path_looks_like_it_stays_one_argument(files: Deployer, tmp_path: Path) -> None:
    """`$(...)`, `;`, quotes and spaces in the settings reach the command as one element, locally and over SSH."""
    trap = tmp_path / "trapped"
    root = Path(files.settings["root"]) / f"we b; touch {trap.name}; $(touch {trap.name}) `touch x` \"q\" 'q' &"
    root.mkdir()
    seen = tmp_path / "seen"
    reload = ("cp", "--", "{place}/current/fullchain.pem", str(seen))
    target = files.with_config(profiles={"web": ReloadProfile(reload=reload)})
    new = AUTHORITY.server()
    await replace(target, settings={**files.settings, "root": str(root)}).apply(new)
    assert new.fullchain_pem == seen.read_text()
    assert "trapped" not in {name.rpartition("/")[2] for name in files_of(tmp_path)}


async def test_a_root_that_is_missing_is_told(files: Deployer) -> None:
    """The bridge makes no root: it says which directory must be there."""
    missing = f"{files.settings['root']}/missing"
    failure = await replace(files, settings={**files.settings, "root": missing}).fail(AUTHORITY.server())
    assert (FailureCause.UNKNOWN, False) == (failure.cause, failure.written)
    assert f"{missing} must be a directory on the target, and is missing." == failure.message


async def test_settings_of_another_shape_are_refused(files: Deployer) -> None:
    """An unknown member stops the push and is named."""
    failure = await replace(files, settings={**files.settings, "command": "id"}).fail(AUTHORITY.server())
    assert FailureCause.UNKNOWN is failure.cause
    assert "unknown field `command`" in failure.message


async def test_a_named_pipe_in_the_place_of_a_file_does_not_hang(files: Deployer) -> None:
    """What is no regular file is no certificate: the next push puts a real one there."""
    new = AUTHORITY.server()
    await files.apply(new, fence=1)
    chain = files.place / "current/fullchain.pem"
    chain.unlink()
    os.mkfifo(chain)
    assert () == (await files.discover()).found
    await files.apply(new, fence=2)
    assert new.fullchain_pem == chain.read_text()
