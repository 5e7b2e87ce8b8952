"""Replacements as rows, and the batches of their plans."""

from typing import Any

from domain.replacement import REPLACEMENT, REPLACEMENT_BATCH, NotOrdered, Replacement, ReplacementBatch
from projections.columns import Column, Type
from projections.entity import entity


def _extract(state: Replacement) -> tuple[Any, ...]:
    return (state.status,)


def _extract_batch(state: ReplacementBatch) -> tuple[Any, ...]:
    return (
        state.replacement_id,
        state.number,
        tuple(map(str, state.certificate_ids)),
        tuple(map(_refusal, state.refused)),
        tuple(str(each.certificate_id) for each in state.refused if not each.replaced),
        tuple(str(each.certificate_id) for each in state.refused if each.replaced),
    )


def _refusal(found: NotOrdered) -> str:
    return f"{found.certificate_id}{found.detail}"


REPLACEMENTS = entity(
    REPLACEMENT,
    name="replacements",
    version=1,
    state_type=Replacement,
    columns=(Column("status", Type.TEXT),),
    extract=_extract,
    indexes=("(created_position)",),
    listed=("created_position",),
)

REPLACEMENT_BATCHES = entity(
    REPLACEMENT_BATCH,
    name="replacement_batches",
    version=1,
    state_type=ReplacementBatch,
    columns=(
        Column("replacement_id", Type.UUID),
        Column("number", Type.BIGINT),
        Column("certificate_ids", Type.TEXTS),
        Column("refusals", Type.TEXTS),
        Column("failed", Type.TEXTS),
        Column("skipped", Type.TEXTS),
    ),
    extract=_extract_batch,
    indexes=("(replacement_id, number)",),
    listed=("replacement_id, number",),
)
