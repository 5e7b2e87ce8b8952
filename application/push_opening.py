"""Opening the work orders of a push request, a slice of its connectors at a time."""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple, TypeVar, cast
from uuid import UUID

import msgspec

from application.approval_rules import Rules, load_rules
from application.grounds import Grounds, load_grounds
from application.house import Context, House, Loaded, append, load_many, record_refusal, write
from application.numbering import Latest, latest_work_orders
from application.ports import Change, VersionConflict
from application.push_answers import RefusedConnector, opened_by
from domain import work_order
from domain.errors import Code, Refused
from domain.work_order_state import WORK_ORDER, WorkOrder

T = TypeVar("T")
ATTEMPTS = 8
SLICE = 500
"""Connectors at a time: the commands of others come in between, and memory stays flat."""


class RequestPush(msgspec.Struct, frozen=True, kw_only=True):
    """OK in the dialog of Push to Device, Deploy or Deploy to All; no `connector_ids` means all there are."""

    certificate_id: UUID
    connector_ids: tuple[UUID, ...] | None = None
    comment: str | None = None
    allow_not_yet_valid: bool = False
    of_connector: bool = False
    """Deploy: what was decided on (If-Match) is the one connector, not the certificate."""
    renewal: bool = False
    """The pushes of a successor: a standing approval counts where one holds."""


class Wanted(NamedTuple):
    """What is asked for. `many`: as one of several connectors. `repeat`: it was perhaps asked before."""

    command: RequestPush
    many: bool
    repeat: bool


class _Wish(NamedTuple):
    """One connector's part of a push, and what it rests on."""

    connector_id: UUID
    wanted: Wanted
    grounds: Grounds | None
    latest: Latest
    rules: Rules


class _Decided(NamedTuple):
    """A work order that may be opened: as it will be, its first events, and what must not have moved on."""

    order: Loaded[WorkOrder]
    begun: Change
    rests_on: tuple[Change, ...]


_Opened = tuple[Loaded[WorkOrder], int]
"""A work order, and the last position of the command that opened it."""
_Outcome = _Opened | Refused | VersionConflict


async def open_work_orders(
    house: House, context: Context, wanted: Wanted, connector_ids: Sequence[UUID]
) -> tuple[list[Loaded[WorkOrder]], list[RefusedConnector], int]:
    """Those that were opened, those that were refused, and the last position.

    While one slice is committed, the next is read: the database and this process work at the same time.
    """
    outcomes: dict[UUID, _Outcome] = {}
    slices = [connector_ids[start : start + SLICE] for start in range(0, len(connector_ids), SLICE)]
    wishes = await _wishes(house, wanted, slices[0])
    for following in (*slices[1:], ()):
        opened_now, read = await asyncio.gather(
            _open_slice(house, context, wishes), _wishes(house, wanted, following), return_exceptions=True
        )
        outcomes |= _or_raise(opened_now)
        wishes = _or_raise(read)
    refused = [RefusedConnector(cid, outcome) for cid, outcome in outcomes.items() if isinstance(outcome, Refused)]
    opened = [outcome for outcome in outcomes.values() if isinstance(outcome, tuple)]
    return [order for order, _ in opened], refused, max((position for _, position in opened), default=0)


async def _open_slice(house: House, context: Context, wishes: Sequence[_Wish]) -> dict[UUID, _Outcome]:
    """All together as one command of the log; those whose streams moved on meanwhile are tried again, each alone.

    Whoever was faster may have been this very request, sent twice.
    """
    outcomes: dict[UUID, _Outcome] = {}
    wanted = wishes[0].wanted
    for turn in range(ATTEMPTS):
        known = await _opened_before(house, context, wishes, however_long=wanted.many and (wanted.repeat or turn > 0))
        rest = [wish for wish in wishes if wish.connector_id not in known] if known else wishes
        if turn == 0 and len(rest) > 1:
            tried = await _try_together(house, context, rest)
        else:
            tried = await _try_each(house, context, rest, last=turn == ATTEMPTS - 1)
        found = {**known, **tried}
        outcomes |= {wish.connector_id: found[wish.connector_id] for wish in wishes}
        waiting = [cid for cid, outcome in tried.items() if isinstance(outcome, VersionConflict)]
        if not waiting:
            break
        wishes = await _wishes(house, wanted, waiting)
    return outcomes


async def _wishes(house: House, wanted: Wanted, connector_ids: Sequence[UUID]) -> list[_Wish]:
    """Everything that is decided on, in a few reads however many there are."""
    if not connector_ids:
        return []
    grounds, latest, rules = await asyncio.gather(
        load_grounds(house, connector_ids),
        latest_work_orders(house, connector_ids),
        load_rules(house, renewal=wanted.command.renewal),
    )
    return [_Wish(cid, wanted, grounds.get(cid), latest[cid], rules) for cid in connector_ids]


def _or_raise(done: T | BaseException) -> T:
    if isinstance(done, BaseException):
        raise done
    return done


async def _opened_before(
    house: House, context: Context, wishes: Sequence[_Wish], *, however_long: bool
) -> dict[UUID, _Opened]:
    """The work orders that this very request has opened, by connector: each one's last, or `however_long` ago."""
    known = [wish.latest.previous for wish in wishes if wish.latest.previous is not None]
    if however_long and (earlier := [stream for wish in wishes for stream in wish.latest.earlier(wish.connector_id)]):
        known += (await load_many(house, WORK_ORDER, earlier)).values()
    return {
        order.found.connector_id: (order, order.created_position or 0)
        for order in known
        if order.state is not None and order.found.request_id == context.correlation_id
    }


async def _try_together(house: House, context: Context, wishes: Sequence[_Wish]) -> dict[UUID, _Outcome]:
    """One attempt for all: those that are not refused are opened at once, or none of them."""
    decided: dict[UUID, _Decided] = {}
    refused: list[tuple[_Wish, Refused]] = []
    for wish in wishes:
        try:
            decided[wish.connector_id] = _decide(context, wish)
        except Refused as error:
            refused.append((wish, error))
    outcomes = await _commit(house, context, decided, wishes[0].rules) if decided else {}
    said = await asyncio.gather(
        *(_refuse(house, context.part(wish.connector_id), wish, error) for wish, error in refused),
        return_exceptions=True,
    )
    return outcomes | _by_connector([wish for wish, _ in refused], said)


async def _commit(
    house: House, context: Context, decided: Mapping[UUID, _Decided], rules: Rules
) -> dict[UUID, _Outcome]:
    """One command. Its id says which work orders it opens: if it was carried out before, these were opened by it."""
    orders = [each.order for each in decided.values()]
    rests_on = {change.stream_id: change for each in decided.values() for change in each.rests_on}
    together = context.part("together", *(order.id.hex for order in orders)).reached()
    begun = [each.begun for each in decided.values()]
    try:
        appended = await append(house, together, *begun, *rests_on.values(), *rules.assertions())
    except VersionConflict as conflict:
        return dict.fromkeys(decided, conflict)
    if appended.repeated:
        now = await load_many(house, WORK_ORDER, [order.id for order in orders])
        return {cid: (now[each.order.id], appended.last_position) for cid, each in decided.items()}
    before = accumulate((len(change.events) for change in begun), initial=appended.first_position)
    return {
        cid: (msgspec.structs.replace(order, created_position=position), appended.last_position)
        for cid, order, position in zip(decided, orders, before, strict=False)
    }


async def _try_each(house: House, context: Context, wishes: Sequence[_Wish], *, last: bool) -> dict[UUID, _Outcome]:
    """One attempt for each by itself. An error (the log is away) is raised when all have ended."""
    outcomes = await asyncio.gather(*(_open_one(house, context, wish, last) for wish in wishes), return_exceptions=True)
    return _by_connector(wishes, outcomes)


def _by_connector(wishes: Sequence[_Wish], outcomes: Sequence[_Outcome | BaseException]) -> dict[UUID, _Outcome]:
    """Raises what is no outcome: nothing goes on behind it."""
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, Refused | VersionConflict):
            raise outcome
    return {wish.connector_id: cast("_Outcome", outcome) for wish, outcome in zip(wishes, outcomes, strict=True)}


async def _open_one(house: House, context: Context, wish: _Wish, last: bool) -> _Outcome:
    """One work order: what became of it, as a value, so that every connector has its own outcome."""
    mine = context.part(wish.connector_id)
    try:
        decided = _decide(mine, wish)
        appended = await append(house, mine.reached(), decided.begun, *decided.rests_on, *wish.rules.assertions())
    except VersionConflict as conflict:
        if not last:
            return conflict
        busy = Refused(Code.VERSION_CONFLICT, "Others keep changing this connector at the same time; try once more.")
        return await _refuse(house, mine, wish, busy)
    except Refused as error:
        known = await house.log.find_command(mine.command_id) if wish.wanted.repeat else None
        return await opened_by(house, known[1]) if known else await _refuse(house, mine, wish, error)
    if appended.repeated:
        return await opened_by(house, appended)
    return msgspec.structs.replace(decided.order, created_position=appended.first_position), appended.last_position


async def _refuse(house: House, mine: Context, wish: _Wish, refused: Refused) -> Refused:
    await record_refusal(house, mine, refused, subject_id=wish.connector_id, action="push.request")
    return refused


def _decide(context: Context, wish: _Wish) -> _Decided:
    grounds, previous, wanted = wish.grounds, wish.latest.previous, wish.wanted.command
    if grounds is None or grounds.certificate.id != wanted.certificate_id:
        raise Refused(Code.NO_CONNECTOR, f"{wish.connector_id} is no connector of this certificate.")
    context.concerning(grounds.concern)
    grounds.check_eligible(context.at, allow_not_yet_valid=wanted.allow_not_yet_valid)
    rests_on = grounds.assertions()
    if previous is not None:
        if previous.found.open:
            raise Refused(
                Code.WORK_ORDER_OPEN,
                f"A work order is open for this connector ({previous.found.label}). "
                "Carry it through or cancel it before you push again.",
                work_order_id=str(previous.id),
            )
        rests_on = *rests_on, write(previous, ())
    fresh: Loaded[WorkOrder] = Loaded(kind=WORK_ORDER, id=wish.latest.next_id, version=0, state=None)
    meta = context.meta
    events = work_order.request(
        meta,
        ordinal=wish.latest.next_ordinal,
        request_id=meta.correlation_id,
        connector_id=wish.connector_id,
        certificate_id=grounds.certificate.id,
        target_system_id=grounds.target.id,
        policy=wish.rules.policy(grounds),
        digest=grounds.digest,
        comment=wanted.comment,
        standing=wish.rules.standing(grounds, context.at),
    )
    return _Decided(fresh.after(events), write(fresh, events), rests_on)
