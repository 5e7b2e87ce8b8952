"""What a projection cannot digest, for tests: bytes put into the ledger by force, events where they make no sense; and
what became of them.
"""

from random import Random
from typing import Any
from uuid import UUID

import psycopg

from domain import ids
from domain.alert import AlertKind, AlertRaised
from domain.certificate import CertificateImported
from domain.certificate_order import OrderProcessing
from domain.connector_events import DeploymentRequested, SyncChanged, SyncState
from domain.entity import Event
from domain.work_order_events import PushApproved, PushRequested
from tests.projections.ledger import in_read
from tests.projections.world import World
from tests.support.examples import example
from tests.support.histories import OPERATOR, by, facts
from tests.support.postgres import Pg

CERTIFICATE, PERSON = ids.derive("test", "certificate"), ids.derive("test", "person")


def imported(**different: Any) -> Event:
    """A certificate's first event."""
    return CertificateImported(meta=by(OPERATOR), facts=facts(**different), der=b"DER")


def smuggle(pg: Pg, stream_id: UUID, version: int, topic: str, payload: bytes) -> int:
    """Put into the ledger what no version of this program would write; answers its position."""
    with psycopg.connect(pg.owner_dsn) as connection:
        row = connection.execute("SELECT position + 1 FROM ledger.head").fetchone()
        assert row is not None
        leaf = f'{{"subjects":["{stream_id}"],"position":{row[0]}}}'.encode()
        connection.execute(
            "INSERT INTO ledger.events VALUES (%s, %s, %s, %s, %s, 'system:test', %s, now(), %s, %s)",
            [stream_id, version, topic, payload, row[0], stream_id, bytes(16), leaf],
        )
        connection.execute("SELECT pg_notify('ledger', %s)", [str(row[0])])
    return int(row[0])


def nonsense(random: Random, world: World, *, absurd: bool = True) -> list[Any]:
    """A history with events that make no sense strewn in; `absurd`: and one whose row cannot be stored."""
    commands: list[Any] = list(world.commands)
    somebody = [stream_id for command in world.commands for stream_id, _ in command]
    kinds = (PushApproved, OrderProcessing, DeploymentRequested, SyncChanged, PushRequested)
    for _ in range(8):
        kind = random.choice(kinds)
        stray: Event = SyncChanged(meta=by(OPERATOR), state=SyncState.IN_SYNC, discovery_id=PERSON)
        stray = stray if kind is SyncChanged else example(kind)
        commands.insert(random.randrange(len(commands) + 1), ((random.choice(somebody), (stray,)),))
    if absurd:
        too_long = imported(fingerprint_sha256=random.randbytes(20_000).hex())
        commands.insert(random.randrange(len(commands) + 1), ((CERTIFICATE, (too_long,)),))
    cause = AlertRaised(meta=by(OPERATOR), kind=AlertKind.EXPIRY, cause="x" * 9000, ordinal=1, message="long, but well")
    return [*commands, ((ids.derive("alert"), (cause,)),)]


def forget(pg: Pg) -> None:
    """As if no runner had ever been there."""
    with psycopg.connect(pg.app_dsn, autocommit=True) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'read'").fetchall()
        for (name,) in names:
            connection.execute(f"DROP TABLE read.{name} CASCADE".encode())
        connection.execute("DELETE FROM ops.quarantine")


def quarantine(pg: Pg) -> list[Any]:
    """Everything that is known of what was quarantined."""
    kept = in_read(pg, "SELECT projection, key, position, skipped FROM read.quarantined ORDER BY 1, 2")
    seen = in_read(pg, "SELECT projection, position, error FROM ops.quarantine ORDER BY 1, 2")
    return [*kept, *seen]
