"""A directory of the rooted path becomes a symbolic link in mid-push: nothing is written where it leads.

The swap comes right before one call after the other: before the directory is opened, and after that, before something
is made, renamed or removed in it.
"""

import os
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from bridge.drivers import local
from bridge.drivers.failure import DriverFailure
from tests.bridge.deploying import AUTHORITY, Deployer, config_for
from tests.support.sshd import Sshd

TAKEN = ("roots/tls", "roots/tls/shop/releases")


class SwappingOs:
    """`os` for the driver of local hosts. Calls that name something in a directory count, of those that only open the
    way those to `taken`: before the n-th of them somebody swaps.
    """

    def __init__(self, before: int, taken: Path, swap: Callable[[], None]) -> None:
        self.left, self._taken, self._swap = before, taken, swap

    def __getattr__(self, name: str) -> Any:
        found = getattr(os, name)
        return self._watched(found) if callable(found) else found

    def _watched(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **named: Any) -> Any:
            on_the_way = call is os.open and bool(arguments[1] & os.O_PATH)
            if {"dir_fd", "src_dir_fd"} & named.keys() and (not on_the_way or arguments[0] == self._taken.name):
                if self.left == 0:
                    self._swap()
                self.left -= 1
            return call(*arguments, **named)

        return watched


def swap(taken: Path, outside: Path) -> None:
    """Somebody moves the directory away and puts a link in its place."""
    taken.rename(taken.with_name("moved-away"))
    taken.symlink_to(outside)


def shop(place: Path) -> Deployer:
    """A target without a service, whose path has several directories below the root of the configuration."""
    settings = {"transport": "local", "root": str(place / "roots/tls"), "reload_profile": "web"}
    return Deployer(settings, config_for(place, (), ()), kind="files", profile="shop")


def laid_out(place: Path) -> Path:
    """The root, and outside of it everything that a link in the place of a directory would need to lead a push astray;
    the latter is answered.
    """
    outside = place / "outside"
    for each in ("tls/shop/releases", "shop/releases", "releases"):
        (outside / each).mkdir(parents=True)
    (place / "roots/tls/shop").mkdir(parents=True)
    return outside


async def outcome(target: Deployer, fence: int) -> str:
    """What became of a push: a sentence."""
    try:
        return (await target.apply(AUTHORITY.server(), fence=fence)).message
    except DriverFailure as failure:
        return failure.message


def names_of(directory: Path) -> list[Path]:
    return sorted(directory.rglob("*"))


@pytest.mark.parametrize("taken", TAKEN)
async def test_no_swap_leads_a_push_astray(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, taken: str) -> None:
    """Whenever it comes: the push is refused, or went on in the directory that was meant; outside is as it was."""
    before = tmp_path / "before"
    laid_out(before)
    said: set[str] = set()
    number = 0
    while True:
        place = tmp_path / str(number)
        shutil.copytree(before, place, symlinks=True)
        outside = place / "outside"
        there = names_of(outside)
        target = shop(place)
        await target.apply(AUTHORITY.server(), fence=1)
        watching = SwappingOs(number, place / taken, lambda place=place: swap(place / taken, place / "outside"))  # type: ignore[misc]
        with monkeypatch.context() as patched:
            patched.setattr(local, "os", watching)
            said.add((await outcome(target, fence=2)).replace(str(place), ""))
        assert there == names_of(outside), number
        shutil.rmtree(place)
        if watching.left >= 0:
            break
        number += 1
    assert number > 10
    assert any("is a symbolic link" in each for each in said), said


def over_ssh(target: Deployer, sshd: Sshd) -> Deployer:
    settings = sshd.settings(Path(target.settings["root"]), "web")
    return replace(target, settings=settings, secrets={"ssh_private_key": sshd.user_key})


@pytest.mark.parametrize("taken", ["roots/tls/shop", "roots/tls/shop/releases"])
@pytest.mark.parametrize("transport", ["local", "ssh"])
async def test_a_swap_after_the_look_is_seen(sshd: Sshd, tmp_path: Path, transport: str, taken: str) -> None:
    """Whatever was found out on the same connection before: no certificate and no key is written where it leads."""
    outside = laid_out(tmp_path)
    target = shop(tmp_path) if transport == "local" else over_ssh(shop(tmp_path), sshd)
    await target.apply(AUTHORITY.server(), fence=1)
    there = names_of(outside)

    async def meanwhile() -> None:
        if not (tmp_path / taken).is_symlink():
            swap(tmp_path / taken, outside)

    with pytest.raises(DriverFailure, match="is a symbolic link"):
        await target.apply(AUTHORITY.server(), fence=2, guard=meanwhile)
    assert there == names_of(outside)


async def test_over_ssh_no_content_goes_astray(monkeypatch: pytest.MonkeyPatch, sshd: Sshd, tmp_path: Path) -> None:
    """Even a swap right before a file is opened, which SFTP cannot exclude, is seen before anything is written."""
    outside = laid_out(tmp_path)
    target = over_ssh(shop(tmp_path), sshd)
    await target.apply(AUTHORITY.server(), fence=1)
    opening, taken = asyncssh.SFTPClient.open, tmp_path / "roots/tls/shop"

    async def swapped(sftp: asyncssh.SFTPClient, path: str, mode: str = "rb", *more: Any) -> Any:
        if mode == "xb" and not taken.is_symlink():
            (outside / Path(path).relative_to(taken).parent).mkdir(parents=True)
            swap(taken, outside)
        return await opening(sftp, path, mode, *more)

    # asyncssh opens by an object that is awaited or entered: entered only, here.
    monkeypatch.setattr(asyncssh.SFTPClient, "open", lambda *given: Entered(swapped(*given)))
    with pytest.raises(DriverFailure, match="is a symbolic link"):
        await target.apply(AUTHORITY.server(), fence=2)
    astray = [path for path in names_of(outside) if path.is_file()]
    assert [0] == [path.stat().st_size for path in astray]


class Entered:
    """The file that a coroutine opens, for `async with`."""

    def __init__(self, opening: Awaitable[Any]) -> None:
        self._opening = opening

    async def __aenter__(self) -> Any:
        self._file = await self._opening
        return self._file

    async def __aexit__(self, *_: object) -> None:
        await self._file.close()
