"""Issuing: the core (key, certificate, signature, serialised; P-256) beside cfssl and pebble; the whole path in bulk.

    python -m benchmarks.issuance [--certificates 5000] [--orders 4000] [--rounds 5] [--json FILE]

All in certificates per second of processor time: of ours, of cfssl's process, of pebble's; in bulk of all processes
together (submitting, worker, PostgreSQL), and by the clock beside it, where all processors of the machine make whole
orders and one of them makes the core. Then the same orders stripped of all that can be left out of them
(benchmarks.support.stripped). Targets: the core at least 3 times cfssl; in bulk at least 0.2 of the core.
"""

import argparse
import asyncio
import contextlib
import statistics
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from adapters.issuers.local_pki import LocalPki, open_local_pki
from adapters.keys.generating import generate_key
from adapters.simulated.vault import MemoryVault
from application.issuer_ports import IssuanceRequest
from application.pem import encode
from benchmarks.support import bulk, cas, results, stripped
from benchmarks.support.bulk import Bulk
from benchmarks.support.rounds import Contestant, Measure, Ratio, Rounds, as_json, interleave, median, ratio

_NAMES = ("www.example.org",)
_TARGET = 0.2


async def _core(pki: LocalPki, count: int) -> None:
    for _ in range(count):
        key = await generate_key("ec-256")
        wish = IssuanceRequest(public_key=key.public_key, common_name=_NAMES[0], names=_NAMES, validity_days=90)
        issued = await pki.issue(wish)
        assert encode("CERTIFICATE", issued.leaf)
        assert encode("PRIVATE KEY", key.private_key)


def core(pki: LocalPki, count: int) -> Measure:
    """Keys and certificates as Local PKI makes them, one after the other, as PEM."""
    started = time.process_time()
    asyncio.run(_core(pki, count))
    return Measure(count / (time.process_time() - started))


def beside(certificates: int, rounds: int) -> Rounds:
    """The core and its peers in turns."""
    pki = asyncio.run(open_local_pki(MemoryVault(), lambda: datetime.now(UTC), "http://pki.example.org"))
    contestants: dict[str, Contestant] = {"core": partial(core, pki, certificates)}
    with contextlib.ExitStack() as stack:
        few = min(certificates // 5, 200)  # after some thousand orders pebble no longer answers in time
        for name, peer, count in (("cfssl", cas.cfssl, certificates), ("pebble", cas.pebble, few)):
            if loop := stack.enter_context(peer()):
                contestants[name] = partial(loop, count)
        return interleave(contestants, rounds)


def in_bulk(done: Sequence[Bulk], alone: float) -> list[list[object]]:
    """A table of the runs, the last line their median; the ratio is to the core alone."""
    rows: list[list[object]] = []
    for run in done:
        each = [f"{1e6 * seconds / run.orders:,.0f}" for seconds in run.processor.values()]
        rows.append(
            [
                f"{run.orders / run.seconds:,.0f}",
                f"{run.orders / run.seconds / alone:.3f}",
                *each,
                f"{run.per_processor_second:,.0f}",
                f"{run.per_processor_second / alone:.3f}",
            ]
        )
    return rows


def at_most(bare: Sequence[Bulk], alone: float) -> str:
    """A sentence of how much of the core orders can be at most, whatever is done to what is left out of these."""
    takes = statistics.median(sum(run.processor.values()) / run.orders for run in bare)
    parts = {name: statistics.median(run.processor[name] / run.orders for run in bare) for name in bare[0].processor}
    each = ", ".join(f"{name} {1e6 * seconds:,.0f} us" for name, seconds in parts.items())
    found = _of(alone, [run.per_processor_second for run in bare])
    return (
        f"stripped of queue, reactions, past and repetition an order takes {1e6 * takes:,.0f} us ({each}), "
        f"{found} of the core; for {_TARGET} it may take {1e6 / alone / _TARGET:,.0f} us"
    )


def _of(core_per_second: float, found: Sequence[float]) -> Ratio:
    return Ratio(*(each / core_per_second for each in (statistics.median(found), min(found), max(found))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--certificates", type=int, default=5_000)
    parser.add_argument("--orders", type=int, default=4_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    done = beside(given.certificates, given.rounds)
    alone = median(done, "core")
    assert alone
    rows = []
    for name in ("core", "cfssl", "pebble"):
        found = median(done, name)
        of_it = ratio(done, "core", name)
        rows.append([name, f"{found.per_second:,.0f}" if found else "absent", of_it or "absent"])
    print(results.table(["", "/s of processor time", "core/this"], rows))
    counts = [given.orders] * (given.rounds + 1)
    runs, bare = bulk.measure(counts), stripped.measure(counts)
    print(f"\nin bulk / core: {_of(alone.per_second, [run.per_processor_second for run in runs])}")
    print(f"by the clock: {_of(alone.per_second, [run.orders / run.seconds for run in runs])}\n")
    names = [f"{name}, us" for name in runs[0].processor]
    print(
        results.table(
            ["orders/s by the clock", "of the core", *names, "/s of processor time", "of the core"],
            in_bulk(runs, alone.per_second),
        )
    )
    print(f"\n{at_most(bare, alone.per_second)}")
    content = {"rounds": as_json(done)} | {
        name: [run._asdict() for run in found] for name, found in (("bulk", runs), ("stripped", bare))
    }
    results.write(given.json, "issuance", content)


if __name__ == "__main__":
    main()
