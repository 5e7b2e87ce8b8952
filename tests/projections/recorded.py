"""Reports made in memory: records folded from events, and the pure functions over them."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from domain.entity import Event
from domain.review import Review
from projections.certificate_records.projection import CERTIFICATE_RECORDS
from projections.certificate_records.view import CertificateRecord
from projections.connector_records.projection import CONNECTOR_RECORDS, STEPS
from projections.connector_records.view import ConnectorRecord
from projections.entity import Projection
from projections.expiry import report as expiry
from projections.exposure import report as exposure
from projections.inventory_report import report as counted
from projections.inventory_review import report as review
from projections.lead_times import report as lead_times
from projections.lead_times.view import Delivery
from projections.push_records.projection import PUSH_RECORDS
from projections.push_records.view import PushRecord
from projections.refusals.projection import REFUSALS, REFUSED
from projections.refusals.view import Refusal
from projections.reviews.projection import REVIEWS
from projections.role_records.projection import ROLE_RECORDS
from projections.role_records.view import RoleRecord
from projections.scope import Scope
from projections.separation_of_duties import report as duties
from projections.separation_of_duties.acts import People
from projections.separation_of_duties.rules import Rule
from projections.separation_of_duties.view import Question
from projections.served_runs.projection import RUNS, SERVED_RUNS
from projections.served_runs.view import Run
from projections.target_records.projection import TARGET_RECORDS
from projections.target_records.view import TargetRecord
from projections.unapproved_pushes import report as unapproved
from tests.projections.in_memory import Rows, entries, fold

T = TypeVar("T")
RECORDS: tuple[Projection[Any], ...] = (
    PUSH_RECORDS,
    CONNECTOR_RECORDS,
    CERTIFICATE_RECORDS,
    TARGET_RECORDS,
    ROLE_RECORDS,
    SERVED_RUNS,
    REFUSED,
    REVIEWS,
)
QUESTION = Question(rules=tuple(Rule), levels=3)
THRESHOLDS = (10, 30, 90)
EVERY = timedelta(days=90)
_DOC = 7


class Records:
    """What the projections below the reports hold after some events."""

    def __init__(self, events: Iterable[tuple[UUID, Event]]) -> None:
        engine, self._rows = fold(RECORDS, entries(events))
        assert not engine.poison, engine.poison
        self.pushes = self._records("push_records", PushRecord)
        self.connectors = self._records("connector_records", ConnectorRecord)
        self.certificates = self._records("certificate_records", CertificateRecord)
        self.targets = self._records("target_records", TargetRecord)
        self.roles = self._records("role_records", RoleRecord)
        self.reviews = [
            review.Attested(UUID(bytes=row[0]), row[2], msgspec.json.decode(row[_DOC], type=Review).attested)
            for row in self._table("reviews")
        ]
        self.runs = [msgspec.json.decode(row[-1], type=Run) for row in self._table(RUNS.name)]
        self.refusals = [msgspec.json.decode(row[-1], type=Refusal) for row in self._table(REFUSALS.name)]
        self.deliveries: dict[UUID, list[Delivery]] = {}
        for key, position, at, step, endpoints, state in sorted(self._table(STEPS.name), key=lambda row: row[1]):
            self.deliveries.setdefault(key, []).append(Delivery(position, at, step, tuple(endpoints), state))

    def _table(self, name: str) -> list[tuple[Any, ...]]:
        rows: Rows = self._rows
        return list(rows.get(name, {}).values())

    def _records(self, name: str, kind: type[T]) -> dict[UUID, T]:
        decode = msgspec.json.Decoder(kind).decode
        return {UUID(bytes=row[0]): decode(row[_DOC]) for row in self._table(name)}

    def names(self, position: int) -> dict[UUID, str]:
        """What targets were called."""
        there = {key: record.known(position) for key, record in self.targets.items()}
        return {key: record.name for key, record in there.items() if record.facts}

    def ran(self, scope: Scope) -> int:
        """How many pushes of a window were started."""
        there = (push.known(scope.position) for push in self.pushes.values())
        return sum(bool(push.facts) and scope.holds(push.requested.at) and push.ran is not None for push in there)


def reports(names: dict[str, str] | None = None) -> dict[str, Callable[[Records, Scope], Any]]:
    """All reports of some records in a scope; `names` of principals, by their ids."""
    called = names or {}

    def people(records: Records) -> People:
        return People({str(key): record for key, record in records.roles.items()}, called)

    return {
        "separation_of_duties": lambda r, s: duties.report(r.pushes, r.refusals, people(r), s, QUESTION),
        "unapproved_pushes": lambda r, s: unapproved.report(r.pushes, s, ran=r.ran(s)),
        "exposure": lambda r, s: exposure.report(r.runs, r.certificates, r.connectors, s),
        "lead_times": lambda r, s: lead_times.report(r.pushes, r.deliveries, r.names(s.position), s, persons=True),
        "expiry": lambda r, s: expiry.report(r.certificates, r.connectors, r.names(s.position), s, THRESHOLDS),
        "inventory": lambda r, s: counted.report(r.certificates, s, THRESHOLDS),
        "review": lambda r, s: review.report(r.reviews, inventory(r, s), called, s, EVERY),
    }


def inventory(records: Records, scope: Scope) -> review.Inventory:
    """The inventory as the report wants it."""
    there = {k: r for k, r in records.certificates.items() if r.added.position <= scope.position}
    first = min((r.added for r in there.values()), key=lambda fact: fact.position, default=None)
    return review.Inventory(len(there), first.at if first else None, there)
