"""Several places of one service: pushes at the same time do not disturb each other."""

import asyncio
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from bridge.config import ReloadProfile
from bridge.drivers.registry import drivers
from tests.bridge.deploying import AUTHORITY, Deployer, assignment

# A service that reads its files for a while, and complains when somebody else has it do so meanwhile.
_READS = "mkdir {busy} || exit 1; sleep 0.1; rmdir {busy}"


@pytest.fixture
def shared(target: Deployer, tmp_path: Path) -> Deployer:
    """A target whose service tests everything it has for every place."""
    reads = ("/bin/sh", "-c", _READS.format(busy=tmp_path / "busy"))
    profiles = {"web": ReloadProfile(test=reads, reload=reads)}
    return replace(target, config=msgspec.structs.replace(target.config, profiles=profiles))


async def test_places_of_one_host_take_turns(shared: Deployer) -> None:
    """Four certificates for four virtual hosts of one server, of two kinds: nobody swaps while it reads."""
    having = drivers(shared.config, shared.open_host)

    async def push(number: int) -> None:
        issued, kind = AUTHORITY.server(), ("nginx", "files")[number % 2]
        work = assignment(shared.settings, issued, fence=number + 1, profile=f"site-{number}", target_kind=kind)
        await having[kind].apply(shared.job(work, issued.key_pem))
        assert issued.fullchain_pem == (shared.place / f"site-{number}/current/fullchain.pem").read_text()

    await asyncio.gather(*(push(number) for number in range(4)))


async def test_a_failure_ends_a_turn(shared: Deployer, tmp_path: Path) -> None:
    """A push that fails does not keep the others out."""
    having = drivers(shared.config, shared.open_host)["nginx"]
    (tmp_path / "busy").mkdir()
    issued = AUTHORITY.server()

    async def push(profile: str) -> object:
        work = assignment(shared.settings, issued, profile=profile)
        return await asyncio.gather(having.apply(shared.job(work, issued.key_pem)), return_exceptions=True)

    assert "mkdir" in str(await push("first"))
    (tmp_path / "busy").rmdir()
    assert "Installed in" in str(await push("second"))


async def test_another_place_is_written_meanwhile(target: Deployer) -> None:
    """What nobody reads yet waits for nobody: the first one's test only ends when the second one's release is there."""
    wait = f"for turn in $(seq 100); do [ -d {target.place}/second/releases ] && exit; sleep 0.05; done; exit 1"
    profiles = {"web": ReloadProfile(test=("/bin/sh", "-c", wait), reload=("/bin/true",))}
    config = msgspec.structs.replace(target.config, profiles=profiles)
    shared = replace(target, config=config)
    having = drivers(config, shared.open_host)["nginx"]

    async def push(profile: str) -> None:
        issued = AUTHORITY.server()
        await having.apply(shared.job(assignment(shared.settings, issued, profile=profile), issued.key_pem))

    async with asyncio.TaskGroup() as group:
        group.create_task(push("first"))
        await asyncio.sleep(0.2)
        group.create_task(push("second"))


async def test_pushes_to_one_place_wait_for_each_other(shared: Deployer) -> None:
    """However many there are: each finds what the one before has left, and chain and key belong together."""
    having = drivers(shared.config, shared.open_host)["nginx"]
    wanted = [AUTHORITY.server() for _ in range(3)]

    async def push(fence: int) -> None:
        issued = wanted[fence - 1]
        await having.apply(shared.job(assignment(shared.settings, issued, fence=fence), issued.key_pem))

    await asyncio.gather(*map(push, range(1, 4)))
    current = shared.place / "current"
    served = (current / "fullchain.pem").read_text(), (current / "privkey.pem").read_text()
    assert served in [(issued.fullchain_pem, issued.key_pem) for issued in wanted]
    assert (current / "activated").exists()
