"""The bridge looks at a part of the network: real TLS, inside its own allow-list, and nothing beside it."""

import asyncio
import contextlib
import ssl
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from bridge.config import Config, ConfigRefused, read_config
from bridge.drivers.driver import Job
from bridge.drivers.failure import DriverFailure
from bridge.drivers.steps import Steps
from bridge.protocol import Assignment, AssignmentKind, DiscoveryRequest, FailureCause, SealedContent, Target
from bridge.scanning import KIND, NetworkScanner
from tests.bridge.control_plane import ControlPlane
from tests.bridge.deploying import AUTHORITY, assignment
from tests.bridge.pki import Issued
from tests.bridge.test_agent import at_work

LOOPBACK = Config(scan=("127.0.0.0/8",))


@contextlib.asynccontextmanager
async def served(issued: Issued, directory: Path, *, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """A TLS server; yields its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*issued.write(directory, uuid.uuid4().hex))
    async with await listen(host, context) as server:
        yield server.sockets[0].getsockname()[1]


async def listen(host: str, context: ssl.SSLContext | None) -> asyncio.Server:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await reader.read()
            writer.close()

    return await asyncio.start_server(talk, host, 0, ssl=context)


def work(*addresses: str, ports: tuple[int, ...]) -> Assignment:
    target = Target(
        id=uuid.uuid4(), kind=KIND, name=KIND, settings={"addresses": list(addresses), "ports": list(ports)}
    )
    return msgspec.structs.replace(
        assignment({"transport": "local"}), kind=AssignmentKind.DISCOVERY, target=target, certificate=None
    )


async def scan(config: Config, wanted: Assignment) -> tuple[str, dict[str, str]]:
    """What was said, and which fingerprint was found at which place."""

    async def held() -> None:
        return

    found = await NetworkScanner(config).discover(Job(wanted, SealedContent(), Steps(), held))
    return found.message, {each.place: each.fingerprint_sha256 for each in found.found}


async def test_every_endpoint_that_serves_a_certificate_is_found(tmp_path: Path) -> None:
    """TLS servers on two addresses, a port where nobody listens, one that does not speak TLS."""
    one, other = AUTHORITY.server("one.example"), AUTHORITY.server("other.example")
    async with (
        served(one, tmp_path) as first,
        served(other, tmp_path, host="127.0.0.2") as second,
        await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0) as plain,
    ):
        deaf = plain.sockets[0].getsockname()[1]
        message, found = await scan(LOOPBACK, work("127.0.0.1", "127.0.0.2", ports=(first, second, deaf)))
    assert found == {f"127.0.0.1:{first}": one.fingerprint, f"127.0.0.2:{second}": other.fingerprint}
    assert message == "2 certificates found at 6 endpoints."


async def test_ports_that_are_tried_at_once_are_bounded(tmp_path: Path) -> None:
    """However many endpoints there are, no more than 128 connections are open; each is looked at once."""
    open_now, most, seen = 0, 0, 0

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now, most, seen
        open_now, seen = open_now + 1, seen + 1
        most = max(most, open_now)
        await reader.read(1)
        await asyncio.sleep(0)
        open_now -= 1
        writer.close()

    async with await asyncio.start_server(count, "0.0.0.0", 0, backlog=1024) as server:  # all of 127/8
        port = server.sockets[0].getsockname()[1]
        addresses = [f"127.0.{n // 200}.{n % 200 + 1}" for n in range(400)]
        _, found = await scan(LOOPBACK, work(*addresses, ports=(port,)))
    assert {} == found
    assert 400 == seen
    assert most <= 128


@pytest.mark.parametrize("config", [Config(), Config(scan=("10.0.0.0/8",)), Config(scan=("127.0.0.2",))])
async def test_outside_of_its_own_allow_list_nothing_is_sent(tmp_path: Path, config: Config) -> None:
    """Whatever the control plane says; one address too many is enough."""
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(DriverFailure, match=r"does not allow 127\.0\.0\.") as caught:
            await scan(config, work("127.0.0.2", "127.0.0.1", ports=(port,)))
    assert FailureCause.PERMISSION_DENIED is caught.value.cause


NONSENSE: list[dict[str, object]] = [
    {},
    {"addresses": [], "ports": [443]},
    {"addresses": ["127.0.0.1"], "ports": [0]},
    {"addresses": ["a"], "ports": [1]},
]


@pytest.mark.parametrize("settings", NONSENSE)
async def test_what_cannot_be_looked_at(settings: dict[str, object]) -> None:
    """Nonsense has a sentence."""
    wanted = work("127.0.0.1", ports=(443,))
    target = msgspec.structs.replace(wanted.target, settings=settings)
    with pytest.raises(DriverFailure):
        await scan(LOOPBACK, msgspec.structs.replace(wanted, target=target))


async def test_a_network_is_only_looked_at() -> None:
    """No certificate is installed on one, and no connection tested."""
    scanner, job = NetworkScanner(LOOPBACK), Job(work("127.0.0.1", ports=(443,)), SealedContent(), Steps(), None)  # type: ignore[arg-type] # never called
    for act in (scanner.apply, scanner.test, scanner.request):
        with pytest.raises(DriverFailure, match="looked at only"):
            await act(job)


async def test_an_assignment_from_the_lease_to_the_report(
    control_plane: ControlPlane, enrolled: Path, tmp_path: Path
) -> None:
    """A network is discovered like a target system; what the bridge does not allow is an unhealthy run."""
    issued = AUTHORITY.server()
    async with served(issued, tmp_path) as port, at_work(enrolled, LOOPBACK):
        report = await control_plane.decided(control_plane.offer(work("127.0.0.1", ports=(port,))))
        refused = await control_plane.decided(control_plane.offer(work("10.9.9.9", ports=(port,))))
    assert isinstance(report, DiscoveryRequest)
    assert isinstance(refused, DiscoveryRequest)
    assert [(each.place, each.fingerprint_sha256, each.profile) for each in report.found] == [
        (f"127.0.0.1:{port}", issued.fingerprint, None)
    ]
    assert (refused.healthy, refused.found) == (False, ())
    assert "does not allow 10.9.9.9" in refused.message


def test_a_network_of_the_configuration_is_one(tmp_path: Path) -> None:
    """A mistake in `scan` is told at the start."""
    file = tmp_path / "bridge.toml"
    file.write_text('scan = ["10.0.0.1/24"]')
    with pytest.raises(ConfigRefused, match=r"10\.0\.0\.1/24"):
        read_config(file)
