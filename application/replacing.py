"""Replacing many certificates at once: asked for once, then planned, ordered in batches and followed by reactions.

Any step may be repeated, and whatever dies in between, the next attempt goes on where it ended: batches are planned
and ordered in their order, and each order has an id that follows from the certificate and the round. It is no storm:
`ReplacementPace` says how many orders a minute are made, and how many may be under way.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Literal, NamedTuple
from uuid import UUID

import msgspec

from application.changing import change_one
from application.house import (
    Attempt,
    Context,
    Done,
    House,
    Loaded,
    append,
    carry_out,
    load,
    load_many,
    reading_back,
    write,
)
from application.issuing_ports import Issuers, NotYet
from application.ordering import through
from application.personal import sealed
from application.renewing import Instead, RenewCertificate, renew_certificate
from domain import ids
from domain import replacement as replacements
from domain.certificate import CERTIFICATE
from domain.certificate_order import OrderParameters, Provider
from domain.errors import Code, Refused
from domain.replacement import (
    BATCH,
    REPLACEMENT,
    REPLACEMENT_BATCH,
    Key,
    NotOrdered,
    Replacement,
    ReplacementBatch,
    ReplacementBatchPlanned,
    ReplacementBatchRefused,
    ReplacementRequested,
    ReplacementStatus,
)
from domain.replacement_criteria import ReplacementCriteria, check_narrow
from domain.subjects import person_behind

_SHORTEST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0


class ReplaceCertificates(msgspec.Struct, frozen=True, kw_only=True):
    """`key`: new ones are made, or the same certified again. The others: of the successors, where not as before."""

    criteria: ReplacementCriteria
    reason: str
    key: Key = Key.NEW
    key_algorithm: str | None = None
    provider: Provider | None = None
    provider_id: UUID | None = None


async def request_replacement(
    house: House, context: Context, issuers: Issuers, command: ReplaceCertificates
) -> Done[Loaded[Replacement]]:
    """Begin; everything else is done by reactions. Raises Refused(validation-failed) where it says too little, or what
    does not go together.
    """
    replacement_id = ids.derive("replacement", context.command_id)
    again = reading_back(house, REPLACEMENT, replacement_id)

    async def attempt() -> Attempt[Loaded[Replacement]]:
        check_narrow(command.criteria)
        provider_id = await _check_instead(house, issuers, command)
        known = await load(house, REPLACEMENT, replacement_id)
        if known.state is not None:
            return Attempt((), known)
        event = ReplacementRequested(
            meta=context.meta,
            criteria=command.criteria,
            reason=await sealed(house.texts, context.actor, command.reason, pointer="/reason") or "",
            key=command.key,
            key_algorithm=command.key_algorithm,
            provider=command.provider,
            provider_id=provider_id,
        )
        return Attempt((write(known, (event,)),), known.after((event,)))

    return await carry_out(
        house, context, attempt, subject_id=replacement_id, action="replacement.request", again=again
    )


async def _check_instead(house: House, issuers: Issuers, command: ReplaceCertificates) -> UUID | None:
    """The provider of the successors, where one was named."""
    if command.key is Key.SAME and command.key_algorithm is not None:
        sentence = "The same key has the same algorithm; leave one of both out."
        raise Refused(Code.VALIDATION_FAILED, sentence, pointer="/key_algorithm")
    if command.provider is None:
        if command.provider_id is not None:
            sentence = "Say which kind of provider this is, too."
            raise Refused(Code.VALIDATION_FAILED, sentence, pointer="/provider")
        return None
    wish = OrderParameters(provider=command.provider, provider_id=command.provider_id, common_name="", validity_days=1)
    found, _ = await through(house, wish)
    await issuers.of(found.provider, found.provider_id)
    return found.provider_id


async def retry_replacement(house: House, context: Context, replacement_id: UUID) -> Done[Loaded[Replacement]]:
    """Order once more what failed."""
    return await change_one(
        house,
        context,
        REPLACEMENT,
        replacement_id,
        "replacement.retry",
        lambda state: replacements.retry(state, context.meta),
    )


async def cancel_replacement(house: House, context: Context, replacement_id: UUID) -> Done[Loaded[Replacement]]:
    """Order no more."""
    return await change_one(
        house,
        context,
        REPLACEMENT,
        replacement_id,
        "replacement.cancel",
        lambda state: replacements.cancel(state, context.meta),
    )


async def plan_replacement(house: House, context: Context, replacement_id: UUID) -> None:
    """Write down which certificates are meant. What an earlier attempt has written stands, and is gone on from."""
    known = await load(house, REPLACEMENT, replacement_id)
    if known.found.status is not ReplacementStatus.PLANNING:
        return
    planned, number = await _planned_before(house, replacement_id)
    waiting: list[UUID] = []
    async for found in house.hints.replaceable(context.at, known.found.criteria):
        waiting += [each for each in found if each not in planned]
        planned.update(found)
        while len(waiting) >= BATCH:
            await _plan_batch(house, context, replacement_id, number, waiting[:BATCH])
            waiting, number = waiting[BATCH:], number + 1
    if waiting:
        await _plan_batch(house, context, replacement_id, number, waiting)
        number += 1

    async def attempt() -> Attempt[None]:
        now = await load(house, REPLACEMENT, replacement_id)
        events = replacements.plan(now.found, context.meta, certificates=len(planned), batches=number)
        return Attempt((write(now, events),), None)

    await carry_out(house, context, attempt, subject_id=replacement_id, action="replacement.plan")


async def _planned_before(house: House, replacement_id: UUID) -> tuple[set[UUID], int]:
    planned: set[UUID] = set()
    number = 0
    while (batch := (await load(house, REPLACEMENT_BATCH, batch_id(replacement_id, number))).state) is not None:
        planned.update(batch.certificate_ids)
        number += 1
    return planned, number


async def _plan_batch(
    house: House, context: Context, replacement_id: UUID, number: int, certificate_ids: list[UUID]
) -> None:
    stream_id = batch_id(replacement_id, number)
    part = context.part("batch", number)
    event = ReplacementBatchPlanned(
        meta=part.meta, replacement_id=replacement_id, number=number, certificate_ids=tuple(certificate_ids)
    )
    await append(house, part, write(await load(house, REPLACEMENT_BATCH, stream_id), (event,)))


def batch_id(replacement_id: UUID, number: int) -> UUID:
    """The stream of a batch of a plan."""
    return ids.derive("replacement-batch", replacement_id, number)


async def carry_on_replacement(house: House, context: Context, issuers: Issuers, replacement_id: UUID) -> None:
    """Order as many batches as the pace allows, or complete it. Raises NotYet as long as there is more to do."""
    pace = house.settings.replacement
    under_way = (await house.hints.replacement_figures(replacement_id)).under_way
    for _ in range(max(1, round(pace.per_minute / 60 / BATCH))):
        known = await load(house, REPLACEMENT, replacement_id)
        if known.found.status is not ReplacementStatus.RUNNING:
            return
        if known.found.all_ordered:
            await _complete(house, context, known)
            return
        if under_way >= pace.under_way:
            raise NotYet("So many orders are under way; the others wait.", _SHORTEST_PAUSE)
        under_way += await _order_batch(house, context, issuers, known)
    raise NotYet("The next batches follow.", max(_SHORTEST_PAUSE, 60 * BATCH / pace.per_minute))


async def _order_batch(house: House, context: Context, issuers: Issuers, known: Loaded[Replacement]) -> int:
    """Order the next batch; how many orders came of it."""
    state, number = known.found, known.found.next_batch
    batch = await load(house, REPLACEMENT_BATCH, batch_id(known.id, number))
    said = await asyncio.gather(
        *(_order_one(house, context, issuers, known, each) for each in batch.found.certificate_ids)
    )
    refused = tuple(each for each in said if each is not None)
    ordered = len(said) - len(refused)
    part = context.part("ordered", known.id, state.round, number)

    async def attempt() -> Attempt[None]:
        now = await load(house, REPLACEMENT, known.id)
        events = replacements.ordered(now.found, part.meta, number, ordered=ordered, refused=len(refused))
        told = _refused(part, known.id, state.round, batch.found, refused) if events else ()
        return Attempt((write(now, events), write(batch, told)), None)

    await carry_out(house, part, attempt, subject_id=known.id, action="replacement.order")
    return ordered


def _refused(
    context: Context, replacement_id: UUID, round_: int, batch: ReplacementBatch, refused: tuple[NotOrdered, ...]
) -> tuple[ReplacementBatchRefused, ...]:
    """What was refused in an earlier round is so no longer."""
    if not refused and not batch.refused:
        return ()
    event = ReplacementBatchRefused(
        meta=context.meta, replacement_id=replacement_id, number=batch.number, round=round_, refused=refused
    )
    return (event,)


async def _order_one(
    house: House, context: Context, issuers: Issuers, known: Loaded[Replacement], certificate_id: UUID
) -> NotOrdered | None:
    """Order one successor, in the name of whoever asked for all of them; None where that was done."""
    state = known.found
    actor = msgspec.structs.replace(context.actor, on_behalf_of=person_behind(state.requested_by))
    command_id = ids.derive("replacement-order", known.id, state.round, certificate_id)
    mine = msgspec.structs.replace(context, command_id=command_id, actor=actor, chosen_by_client=True)
    instead = Instead(known.id, state.key_algorithm, state.provider, state.provider_id)
    key: Literal["new", "same"] = "same" if state.key is Key.SAME else "new"
    command = RenewCertificate(certificate_id=certificate_id, key=key, instead=instead)
    try:
        await renew_certificate(house, mine, issuers, command)
    except Refused as refused:
        if refused.code is Code.VERSION_CONFLICT:
            raise
        if refused.code is Code.POLICY_HARD_FAIL:
            return None  # there is an order, which has failed
        replaced = (await load(house, CERTIFICATE, certificate_id)).found.renewed_to is not None
        return NotOrdered(
            certificate_id=certificate_id, code=refused.code.value, detail=refused.detail, replaced=replaced
        )
    return None


async def _complete(house: House, context: Context, known: Loaded[Replacement]) -> None:
    """Everything is ordered: the end, once every order has come to its own."""
    figures = await house.hints.replacement_figures(known.id)
    if figures.planned or figures.under_way:
        since = known.found.ordered_at or known.found.requested_at
        patience = (context.at - since).total_seconds() / 10
        raise NotYet("Orders are under way.", min(max(patience, _SHORTEST_PAUSE), _LONGEST_PAUSE))

    async def attempt() -> Attempt[None]:
        now = await load(house, REPLACEMENT, known.id)
        counts = {"complete": figures.complete, "failed": figures.failed, "skipped": figures.skipped}
        return Attempt((write(now, replacements.complete(now.found, context.meta, **counts)),), None)

    part = context.part("complete", known.found.round)
    await carry_out(house, part, attempt, subject_id=known.id, action="replacement.complete")


class Preview(NamedTuple):
    """What a replacement would do: so many certificates, and of those so many that it cannot order, by reason."""

    certificates: int
    not_orderable: int


async def preview_replacement(house: House, context: Context, criteria: ReplacementCriteria) -> Preview:
    """How many certificates are meant; nothing is recorded. Those that were not ordered here cannot be."""
    check_narrow(criteria)
    counted: Counter[bool] = Counter()
    async for found in house.hints.replaceable(context.at, criteria):
        counted.update(await _orderable(house, found))
    return Preview(counted.total(), counted[False])


async def _orderable(house: House, certificate_ids: Iterable[UUID]) -> list[bool]:
    known = await load_many(house, CERTIFICATE, list(certificate_ids))
    return [each.found.order_id is not None for each in known.values()]
