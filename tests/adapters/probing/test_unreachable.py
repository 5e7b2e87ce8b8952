"""Endpoints that cannot be reached, in every way this machine can show, and each called by its name."""

import asyncio
import resource
import socket
import struct

from adapters.probing.prober import TlsProber
from application.probe_ports import Observation
from bridge.probing.policy import AddressPolicy, parse_networks
from tests.adapters.probing.servers import listening

PROBER = TlsProber(AddressPolicy(parse_networks(["127.0.0.0/8"])))


def outcome(seen: Observation) -> tuple[str, str | None]:
    return seen.result.value, seen.reason


async def test_a_host_that_does_not_answer_a_connection() -> None:
    """A listener whose queue is full drops what comes, like a firewall: unreachable after the timeout."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        seen = await PROBER.probe(f"127.0.0.1:{full.getsockname()[1]}", None, 0.3)
        for each in waiting:
            each.close()
    assert outcome(seen) == ("unreachable", "timeout")


async def test_an_address_without_a_route() -> None:
    """The broadcast address is none that TCP could connect to."""
    policy = AddressPolicy(parse_networks(["255.255.255.255"]))
    seen = await TlsProber(policy).probe("255.255.255.255:443", None, 5)
    assert outcome(seen) == ("unreachable", "no_route")


async def test_our_own_shortage_is_called_so() -> None:
    """Out of file descriptors: that says nothing about the endpoint, and the reason tells."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as lowest:
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest.fileno(), hard))
        try:
            seen = await PROBER.probe("127.0.0.1:443", None, 5)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert outcome(seen) == ("unreachable", "local_error")


async def test_a_server_that_resets_the_connection() -> None:
    """A reset in the middle of a handshake is a failed handshake, not a crash of the run."""

    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        linger_not = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not)
        writer.transport.abort()

    async with listening(reset) as port:
        seen = await PROBER.probe(f"127.0.0.1:{port}", None, 5)
    assert outcome(seen) == ("handshake_failed", "connection_lost")


async def test_a_server_that_goes_away_between_two_tries() -> None:
    """The second try, with old protocols, finds nobody: what the first try saw is what counts."""
    servers: list[asyncio.Server] = []

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        servers[0].close()
        await reader.read(10)
        writer.write(bytes([21, 3, 3, 0, 2, 2, 40]))
        writer.close()
        await writer.wait_closed()

    servers.append(await asyncio.start_server(once, "127.0.0.1", 0))
    seen = await PROBER.probe(f"127.0.0.1:{servers[0].sockets[0].getsockname()[1]}", None, 5)
    assert outcome(seen) == ("handshake_failed", "tls_alert")
