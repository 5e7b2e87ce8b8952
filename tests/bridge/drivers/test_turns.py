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
