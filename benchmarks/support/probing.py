"""A process that looks at many endpoints of 127/8, one way or another, and tells what that took.

python -m benchmarks.support.probing sweeping|whole|asyncio FIRST COUNT PORT
"""

import asyncio
import json
import ssl
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from adapters.probing.prober import SweepingProber, TlsProber
from application.probe_ports import Prober
from bridge.probing.policy import AddressPolicy, parse_networks
from bridge.probing.slots import Slots

AT_ONCE = 256
_STEP = 10_000
_SECONDS = 5.0

Look = Callable[[Sequence[str]], Awaitable[int]]


def endpoints(first: int, count: int, port: int) -> list[str]:
    """So many different addresses; the same ones in `prober.go`."""
    return [f"127.{1 + n // 62500}.{n // 250 % 250}.{1 + n % 250}:{port}" for n in range(first, first + count)]


def _ours(prober: Prober) -> Look:
    async def look(wanted: Sequence[str]) -> int:
        seen = await prober.probe_all([(each, None) for each in wanted], _SECONDS)
        return sum(each.fingerprint_sha256 is not None for each in seen)

    return look


def _asyncio() -> Look:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    at_once = asyncio.Semaphore(AT_ONCE)

    async def one(endpoint: str) -> bool:
        host, _, port = endpoint.partition(":")
        async with at_once:
            async with asyncio.timeout(_SECONDS):
                _, writer = await asyncio.open_connection(host, int(port), ssl=context)
            leaf = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            writer.transport.abort()
        return leaf is not None

    async def look(wanted: Sequence[str]) -> int:
        return sum(await asyncio.gather(*map(one, wanted)))

    return look


def _looks(how: str) -> Look:
    policy = AddressPolicy(parse_networks(["127.0.0.0/8"]))
    if how == "asyncio":
        return _asyncio()
    whole = TlsProber(policy, slots=Slots(AT_ONCE))
    return _ours(whole if how == "whole" else SweepingProber(whole))


def _resident() -> int:
    """MiB now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 // 2**20


async def _run(how: str, first: int, count: int, port: int) -> None:
    look = _looks(how)
    await look(endpoints(first, 100, port))
    began, before, seen, resident = time.monotonic(), time.process_time(), 0, list[int]()
    for start in range(first, first + count, _STEP):
        seen += await look(endpoints(start, min(_STEP, first + count - start), port))
        resident.append(_resident())
    took = {"seconds": time.monotonic() - began, "processor": time.process_time() - before}
    print(json.dumps({"seen": seen, **took, "resident": resident}))


if __name__ == "__main__":
    asyncio.run(_run(sys.argv[1], *map(int, sys.argv[2:5])))
