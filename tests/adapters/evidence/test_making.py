"""Evidence out of a real, sealed ledger: what comes is proven, what cannot be proven does not come."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from adapters.evidence import verify
from adapters.evidence.making import EvidenceFile, PostgresEvidence
from adapters.keys.subjects import Subjects
from adapters.simulated.subjects import MemorySubjectKeys
from application.export_ports import LedgerContradicted, NotSealedYet
from application.ports import LogUnavailable
from domain.errors import Code, Refused
from projections.push_validation.postgres import PostgresPushValidation
from projections.reading.postgres import Reader, reading_pool
from tests.adapters.evidence.ledgers import saved
from tests.adapters.evidence.test_verify import contents
from tests.adapters.sealing.ledgers import fill, keyring, seal, tampering
from tests.projections.histories import history
from tests.projections.ledger import Recorder, caught_up, running
from tests.support.postgres import Pg, PostgresServer, database

WORLD = history(41, 900)
TEXTS = Subjects(MemorySubjectKeys(), b"names")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def sealed(postgres_server: PostgresServer, keys: Path) -> Iterator[Pg]:
    async def record(pg: Pg) -> None:
        async with pg.log() as log, running(pg):
            await caught_up(pg, await Recorder(log).record(WORLD.commands))

    with database(postgres_server) as pg:
        asyncio.run(record(pg))
        seal(pg, keys, batch=300)
        yield pg


async def made(
    pg: Pg, *, first: int = 0, last: int = 0, push: UUID | None = None, patience: float = 0.2
) -> EvidenceFile:
    async with reading_pool(pg.app_dsn) as pool:
        maker = PostgresEvidence(pg.app_dsn, PostgresPushValidation(Reader(pool)), TEXTS, patience=patience)
        return await (maker.push(push) if push else maker.range(first, last))


async def content(evidence: EvidenceFile) -> bytes:
    return b"".join([block async for block in evidence.blocks()])


def head() -> int:
    return len(list(WORLD.events))


@pytest.mark.parametrize(("first", "last"), [(1, 1), (1, 300), (299, 301), (40, 500)])
async def test_ranges(sealed: Pg, tmp_path: Path, keys: Path, first: int, last: int) -> None:
    """Each verifies with the key of the ledger; what is said of it is so; made again it is the same."""
    evidence = await made(sealed, first=first, last=last)
    archive = await content(evidence)
    vkey = str(keyring(keys).signers()[0].key)
    assert 0 == verify.main([str(saved(tmp_path, archive)), "--vkey", vkey]), verify.wrong
    about = evidence.about
    assert (first, last, last - first + 1, len(archive)) == (*about[1:4], about.size)
    assert about.tree_size >= last
    assert evidence.file.closed
    again = await made(sealed, first=first, last=last)
    assert archive == await content(again)
    assert about == again.about


async def test_every_push(sealed: Pg, tmp_path: Path) -> None:
    """Each verifies; the report's row counts positions that are all there."""
    for order_id in WORLD.all("work_order")[:12]:
        evidence = await made(sealed, push=order_id)
        archive = await content(evidence)
        assert 0 == verify.main([str(saved(tmp_path, archive))]), verify.wrong
        assert order_id == evidence.about.subject_id
        files = contents(archive)
        positions = {json.loads(line)["position"] for line in files["events.ndjson"].splitlines()}
        for operation in json.loads(files["report.json"]):
            assert str(order_id) == operation["work_order_id"]
            assert set(operation["positions"]) <= positions


async def test_what_is_not_sealed_yet(postgres_server: PostgresServer, sealed: Pg, keys: Path) -> None:
    """The sealer is waited for a little: if it comes, so does the evidence."""
    with database(postgres_server, template=sealed.name) as pg:
        await fill(pg, 12)
        async with pg.log() as log:
            last = await log.head()
        with pytest.raises(NotSealedYet) as caught:
            await made(pg, first=1, last=last)
        assert (last, head()) == (caught.value.position, caught.value.sealed)
        waiting = asyncio.create_task(made(pg, first=last - 3, last=last, patience=60))
        await asyncio.sleep(0.2)
        seal(pg, keys)
        evidence = await waiting
        assert 4 == evidence.about.events
        await evidence.discard()


async def test_a_ledger_that_does_not_hold(postgres_server: PostgresServer, sealed: Pg) -> None:
    """Nothing is handed out that would not verify."""
    for statement in (
        "UPDATE ledger.events SET state = state || ' ' WHERE notification_id = 50",
        "DELETE FROM ledger.events WHERE notification_id = 50",
        "DELETE FROM ledger.tiles",
        "UPDATE ledger.checkpoints SET root = sha256(root)",
    ):
        with database(postgres_server, template=sealed.name) as pg:
            with tampering(pg) as connection:
                connection.execute(statement.encode())
            with pytest.raises(LedgerContradicted):
                await made(pg, first=40, last=290)


async def test_there_is_no_such_push(sealed: Pg) -> None:
    with pytest.raises(Refused) as caught:
        await made(sealed, push=UUID(int=1))
    assert Code.NOT_FOUND is caught.value.code


async def test_no_database(sealed: Pg) -> None:
    """Is said in the use cases' words."""

    class NoOperations:
        async def operations(self, narrow: object = None) -> list[object]:
            return []

    maker = PostgresEvidence("host=/nowhere", NoOperations(), TEXTS)  # type: ignore[arg-type] # it is never asked
    with pytest.raises(LogUnavailable):
        await maker.range(1, 2)


async def test_what_nobody_wants_is_gone(sealed: Pg) -> None:
    evidence = await made(sealed, first=1, last=5)
    await evidence.discard()
    assert evidence.file.closed
