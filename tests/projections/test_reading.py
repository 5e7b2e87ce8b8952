"""How questions reach the database: together where they come together, and each with one statement."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain import association, certificate, ids
from domain.certificate import CertificateStatus
from projections.catalogue import Views, views_of
from projections.coalesce import Coalesced
from projections.inventory.view import CertificateFilter
from projections.reading.postgres import Parameters, Reader, reading_pool
from projections.work_orders.view import WaitingFor, WorkOrderFilter
from tests.projections.conftest import Town
from tests.projections.ledger import Recorder, caught_up, running
from tests.projections.world import ENDPOINTS
from tests.support.histories import OPERATOR, SETTINGS, T0, TARGET, by, facts
from tests.support.postgres import Pg


class Counting(Reader):
    """A reader that counts its statements."""

    statements = 0

    async def rows(self, query: str, parameters: Parameters = (), *, prepare: bool = True) -> list[tuple[Any, ...]]:
        self.statements += 1
        return await super().rows(query, parameters, prepare=prepare)


def questions(town: Town, ask: Views) -> dict[str, Any]:
    certificate_id, connector_id = town.world.all("certificate")[0], town.world.all("connector")[0]
    order_id, now = town.world.all("work_order")[0], town.world.now
    waiting = WorkOrderFilter(waiting_for=WaitingFor(person="rita"))
    return {
        "certificate": ask.inventory.get(certificate_id),
        "certificate detail": ask.inventory.detail(certificate_id),
        "certificates": ask.inventory.list(CertificateFilter(now=now, status=(CertificateStatus.ACTIVE,), q="a")),
        "topology": ask.topology.of_certificate(certificate_id),
        "connector": ask.connectors.node(connector_id),
        "connectors": ask.connectors.list(),
        "due": ask.connectors.due_for_verification(),
        "work order": ask.work_orders.node(order_id),
        "work orders": ask.work_orders.list(waiting),
        "push request": ask.work_orders.of_request(town.world.states[order_id].request_id),
        "order": ask.orders.get(town.world.all("order")[0]),
        "orders": ask.orders.list(),
        "target systems": ask.target_systems.list(),
        "bridges": ask.bridges.list(),
        "discoveries": ask.discoveries.list(),
        "runs": ask.verification_runs.list(),
        "principals": ask.principals.list(),
        "token": ask.principals.token(town.world.all("token")[0]),
        "tokens": ask.principals.tokens(),
        "alerts": ask.alerts.list(),
        "report": ask.push_validation.operations_at(),
        "events": ask.audit_trail.list(),
        "event": ask.audit_trail.get(7),
        "events of a certificate": ask.audit_trail.of_certificate(certificate_id),
        "endpoint history": ask.endpoint_history.list(),
        "served before": ask.served_certificates.served_before([(endpoint, None) for endpoint in ENDPOINTS]),
    }


async def test_every_answer_is_one_statement(town: Town) -> None:
    """Lists, single things and what they refer to: one read each."""
    async with reading_pool(town.pg.app_dsn) as pool:
        reader = Counting(pool)
        for name, question in questions(town, views_of(reader)).items():
            before = reader.statements
            assert await question, name
            assert before + 1 == reader.statements, name


async def test_questions_of_one_turn_share_a_statement(town: Town) -> None:
    """A hundred callers, each with its own answer; a later one asks anew."""
    async with reading_pool(town.pg.app_dsn) as pool:
        reader = Counting(pool)
        inventory = views_of(reader).inventory
        wanted = [*town.world.all("certificate"), uuid4()] * 3
        found = await asyncio.gather(*map(inventory.get, wanted))
        assert reader.statements == 1
        assert [row.id if row else None for row in found] == [*wanted[: len(wanted) // 3 - 1], None] * 3
        await inventory.get(wanted[0])
        assert reader.statements == 2


async def test_everybody_who_asked_hears_of_a_failure() -> None:
    """And the next question is a new one; somebody who no longer waits disturbs nobody."""
    asked: list[Sequence[int]] = []

    async def load(keys: Sequence[int]) -> dict[int, str]:
        asked.append(keys)
        if len(asked) == 1:
            raise OSError("no connection")
        return {key: str(key) for key in keys if key != 3}

    numbers: Coalesced[int, str] = Coalesced(load)
    found = await asyncio.gather(*(numbers.get(n) for n in (1, 2, 1)), return_exceptions=True)
    assert all(isinstance(error, OSError) for error in found)
    gone = asyncio.create_task(numbers.get(5))
    await asyncio.sleep(0)
    gone.cancel()
    assert ("1", None) == tuple(await asyncio.gather(numbers.get(1), numbers.get(3)))
    assert [[1, 2], [5], [1, 3]] == asked


@pytest.mark.parametrize("connectors", [700])
async def test_a_certificate_on_many_target_systems(pg: Pg, connectors: int) -> None:
    """The topology of a certificate with hundreds of connectors is still one statement, and complete."""
    certificate_id = ids.certificate_id(facts().fingerprint_sha256)
    imported = certificate.import_certificate(
        None, by(OPERATOR), facts=facts(), der=b"DER" * 500, chain=(), with_key=True
    )
    leaf = certificate.CERTIFICATE.fold(imported)
    assert leaf is not None

    def connected(number: int) -> tuple[UUID, tuple[Any, ...]]:
        target_id = ids.derive("target", number)
        events = association.associate(
            None,
            by(OPERATOR, T0),
            certificate_id=certificate_id,
            certificate=leaf,
            target_system_id=target_id,
            target=TARGET,
            profile=None,
            endpoints=SETTINGS.endpoints,
            server_name=None,
        )
        return ids.connector_id(certificate_id, target_id, None), events

    async with pg.log() as log, reading_pool(pg.app_dsn) as pool, running(pg):
        recorder = Recorder(log)
        streams = tuple(connected(number) for number in range(connectors))
        await recorder.record([((certificate_id, imported),), streams])
        await caught_up(pg, recorder.position)
        reader = Counting(pool)
        topology = await views_of(reader).topology.of_certificate(certificate_id)
    assert topology is not None
    assert {stream_id for stream_id, _ in streams} == {node.connector.id for node in topology.connectors}
    assert all(node.certificate is topology.certificate for node in topology.connectors)
    assert reader.statements == 1
