"""What automations may use, and in whose name they act."""

import uuid
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple, Protocol, TypeVar

from application.acme_ports import ChallengeLooker
from application.house import Context, House
from application.issuing_ports import Issuers
from application.ledger_verifying import LedgerVerifier
from application.looking import Elsewhere
from application.notification_ports import Notices
from application.ports import CertificateReader, Recorded
from application.probe_ports import Prober
from application.renewal_ports import Suggestions
from application.report_ports import ReportWriter
from application.sealing_watch import SealingWatch
from application.syslog_watch import SyslogWatch
from application.verifying import RunResults
from domain import ids
from domain.entity import Actor, ActorKind
from domain.errors import Code, Refused
from domain.subjects import person_behind

T = TypeVar("T")


class CaughtUp(Protocol):
    """The read models, as far as one has to wait for them."""

    async def __call__(self, position: int) -> None:
        """Return when the read models show everything up to a position; raises TimeoutError after a while."""
        ...


class Kit(NamedTuple):
    """What automations may use."""

    house: House
    issuers: Issuers
    reader: CertificateReader
    prober: Prober
    scanner: Prober  # of the networks that may be looked at, and of no other
    results: RunResults
    caught_up: CaughtUp
    sealing: SealingWatch
    syslog: SyslogWatch | None  # where a receiver is set
    verifier: LedgerVerifier
    looker: ChallengeLooker
    notices: Notices
    suggestions: Suggestions
    reports: ReportWriter
    elsewhere: Elsewhere | None = None  # looks from bridges


def reacting(house: House, name: str, to: Recorded) -> Context:
    """The context of a reaction: its command id follows from (reaction, position), so a repeat makes no second event.

    It acts for the person whose event it carries on.
    """
    meta = to.event.meta
    return Context(
        actor=Actor(ActorKind.AUTOMATION, name, on_behalf_of=person_behind(meta.actor)),
        at=house.clock(),
        command_id=ids.derive("reaction", name, to.position),
        correlation_id=meta.correlation_id,
        causation_position=to.position,
    )


def timing(house: House, name: str, tick: object = None) -> Context:
    """The context of a timer. Sweeps decide on the state they find; one that names its `tick` can be repeated."""
    command_id = uuid.uuid4() if tick is None else ids.derive("timer", name, tick)
    return Context(actor=Actor(ActorKind.AUTOMATION, name), at=house.clock(), command_id=command_id)


async def each(items: Iterable[T], act: Callable[[T], Awaitable[object]]) -> None:
    """Act on every item. A refusal is an outcome (and recorded); an error is raised after the others had their turn."""
    errors: list[Exception] = []
    for item in items:
        try:
            await act(item)
        except Exception as error:  # noqa: BLE001 - raised below
            if not is_outcome(error):
                errors.append(error)
    if errors:
        raise ExceptionGroup("some of the items failed", errors)


def is_outcome(error: Exception) -> bool:
    """Is this an answer of the domain, which trying again would only repeat? (Losing every race is none.)"""
    return isinstance(error, Refused) and error.code is not Code.VERSION_CONFLICT
