"""What sealing personal texts costs on the append path: the same commands with their texts sealed and in clear.

    python -m benchmarks.personal [--seconds 2] [--rounds 7] [--concurrent 32,64] [--json FILE]

Each command is an approval by one of ten people, with a client address, and with a comment or without. Sealed: as use
cases do it, a comment anew for every command, the address of a person once while their key is in memory; then the check
that nothing is in clear. Beside it the processor time of making events alone.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from itertools import cycle
from pathlib import Path
from uuid import UUID, uuid4

import msgspec

from adapters.keys.master_key import MasterKey
from adapters.keys.postgres_subjects import PostgresSubjectKeys
from adapters.keys.subjects import Subjects
from adapters.keys.vault import Envelope
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.log import PostgresLog
from adapters.postgres.migrations import migrate
from adapters.postgres_ops.database import OpsDatabase
from application.personal import check_sealed, sealed, with_sealed_addresses
from benchmarks.append import ours
from benchmarks.support import results
from benchmarks.support.events import push_approved
from benchmarks.support.rounds import Contestant, Rounds, as_json, interleave, median, ratio
from domain.entity import Actor, ActorKind
from domain.work_order_events import PushApproved

_replace = msgspec.structs.replace
_MADE_ALONE = 5_000
Maker = Callable[[UUID], Awaitable[PushApproved]]


class Making:
    """Makes the events of commands."""

    def __init__(self, texts: Subjects, people: int = 10) -> None:
        self._texts = texts
        self._people = cycle([Actor(kind=ActorKind.USER, id=str(uuid4())) for _ in range(people)])

    async def in_clear(self, stream: UUID) -> PushApproved:
        """An address and a comment, both in clear."""
        event = push_approved(stream)
        return _replace(event, meta=_replace(event.meta, actor=next(self._people)))

    async def address(self, stream: UUID) -> PushApproved:
        """An address, sealed."""
        return await self._checked(_replace(await self.in_clear(stream), comment=None))

    async def address_in_clear(self, stream: UUID) -> PushApproved:
        """An address, in clear."""
        return _replace(await self.in_clear(stream), comment=None)

    async def comment(self, stream: UUID) -> PushApproved:
        """An address and a comment, both sealed."""
        event = await self.in_clear(stream)
        comment = await sealed(self._texts, event.meta.actor, event.comment)
        return await self._checked(_replace(event, comment=comment))

    async def _checked(self, event: PushApproved) -> PushApproved:
        [found] = await with_sealed_addresses(self._texts, (event,))
        check_sealed(found)
        assert isinstance(found, PushApproved)
        return found


PAIRS = {"address": "address, in clear", "address and comment": "both in clear"}


def makers(making: Making) -> dict[str, Maker]:
    """All contestants, each beside its peer."""
    return {
        "address": making.address,
        "address, in clear": making.address_in_clear,
        "address and comment": making.comment,
        "both in clear": making.in_clear,
    }


async def alone(make: Maker) -> float:
    """Microseconds of processor time for making an event."""
    started = time.process_time()
    for _ in range(_MADE_ALONE):
        await make(uuid4())
    return (time.process_time() - started) / _MADE_ALONE * 1e6


def measure(server: EmbeddedPostgres, arguments: argparse.Namespace) -> tuple[dict[str, float], dict[int, Rounds]]:
    """Microseconds of making alone; rounds per number of concurrent commands."""
    migrate(server.dsn("certferry_owner"))
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        log = runner.run(stack.enter_async_context(PostgresLog(server.dsn())))
        database = runner.run(stack.enter_async_context(OpsDatabase(server.dsn())))
        making = Making(Subjects(PostgresSubjectKeys(database, Envelope(MasterKey(bytes(32)))), b"names"))
        known = makers(making)
        microseconds = {name: min(runner.run(alone(make)) for _ in range(5)) for name, make in known.items()}
        found: dict[int, Rounds] = {}
        for concurrent in arguments.concurrent:
            contestants: dict[str, Contestant] = {
                name: partial(ours, log, runner, concurrent, arguments.seconds, make) for name, make in known.items()
            }
            found[concurrent] = interleave(contestants, arguments.rounds)
        runner.run(stack.aclose())
    return microseconds, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--concurrent", type=lambda text: [int(part) for part in text.split(",")], default=[32, 64])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, EmbeddedPostgres(Path(directory) / "pg") as server:
        microseconds, found = measure(server, arguments)
    made = [[name, f"{us:.1f}"] for name, us in microseconds.items()]
    print(results.table(["making an event", "us"], made) + "\n")
    rows = []
    for concurrent, rounds in found.items():
        for name, peer in PAIRS.items():
            speeds = [each.per_second for one in (name, peer) if (each := median(rounds, one))]
            rows.append([concurrent, name, *(f"{speed:,.0f}" for speed in speeds), ratio(rounds, name, peer)])
    print(results.table(["concurrent", "", "sealed /s", "in clear /s", "sealed/in clear"], rows))
    kept = {str(key): as_json(rounds) for key, rounds in found.items()}
    results.write(arguments.json, "personal", {"microseconds": microseconds, "rounds": kept})


if __name__ == "__main__":
    main()
