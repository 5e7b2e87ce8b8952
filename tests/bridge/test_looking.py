"""The bridge looks at what endpoints serve, when it is told to, inside its own allow-list, and nothing beside it."""

import asyncio
import uuid
from pathlib import Path

import msgspec
import pytest

from bridge.config import Config, ConfigRefused, read_config
from bridge.drivers.failure import DriverFailure
from bridge.looking import KIND, Lookout
from bridge.protocol import (
    Assignment,
    AssignmentKind,
    FailureCause,
    Place,
    ProbeResult,
    Target,
    VerificationRequest,
    VerificationSettings,
)
from tests.bridge.control_plane import ControlPlane
from tests.bridge.deploying import AUTHORITY, assignment
from tests.bridge.test_agent import at_work
from tests.bridge.test_scanning import served

LOOPBACK = Config(verify=("127.0.0.1",))


def look(*places: Place) -> Assignment:
    settings = msgspec.to_builtins(VerificationSettings(places=places, timeout_seconds=5))
    target = Target(id=uuid.uuid4(), kind=KIND, name=KIND, settings=settings)
    return msgspec.structs.replace(
        assignment({"transport": "local"}), kind=AssignmentKind.VERIFICATION, target=target, certificate=None
    )


async def test_from_the_lease_to_the_report(control_plane: ControlPlane, enrolled: Path, tmp_path: Path) -> None:
    """What is served, in the order that was asked for; what its configuration does not allow is not connected to."""
    issued, touched = AUTHORITY.server(), 0

    async def touch(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal touched
        touched += 1
        writer.close()

    async with (
        served(issued, tmp_path) as port,
        await asyncio.start_server(touch, "127.0.0.2", 0) as other,
        at_work(enrolled, LOOPBACK),
    ):
        elsewhere = Place("127.0.0.2", other.sockets[0].getsockname()[1])
        wanted = look(elsewhere, Place("127.0.0.1", port, None, "www.example.com", b"c" * 32))
        report = await control_plane.decided(control_plane.offer(wanted))
    assert isinstance(report, VerificationRequest)
    refused, seen = report.observations
    assert (ProbeResult.HANDSHAKE_FAILED, "refused_by_policy", 0) == (refused.result, refused.reason, touched)
    assert (ProbeResult.CERTIFICATE, issued.fingerprint) == (seen.result, seen.fingerprint_sha256)


async def test_without_permission_nothing_is_looked_at(control_plane: ControlPlane, enrolled: Path) -> None:
    """`scan` is another permission; the report says what is missing."""
    async with at_work(enrolled, Config(scan=("127.0.0.0/8",))):
        report = await control_plane.decided(control_plane.offer(look(Place("127.0.0.1", 443))))
    assert isinstance(report, VerificationRequest)
    assert ((), True) == (report.observations, "(verify) allows no network" in report.message)


@pytest.mark.parametrize("settings", [{}, {"places": []}, {"places": [{"host": "", "port": 1}], "timeout_seconds": 1}])
async def test_nonsense_has_a_sentence(settings: dict[str, object]) -> None:
    """And is never carried out."""
    wanted = look(Place("127.0.0.1", 443))
    target = msgspec.structs.replace(wanted.target, settings=settings)
    with pytest.raises(DriverFailure) as caught:
        await Lookout(LOOPBACK).look(msgspec.structs.replace(wanted, target=target))
    assert FailureCause.UNKNOWN is caught.value.cause


def test_a_network_of_the_configuration_is_one(tmp_path: Path) -> None:
    """A mistake in `verify` is told at the start."""
    file = tmp_path / "bridge.toml"
    file.write_text('verify = ["10.0.0.1/24"]')
    with pytest.raises(ConfigRefused, match=r"10\.0\.0\.1/24"):
        read_config(file)
