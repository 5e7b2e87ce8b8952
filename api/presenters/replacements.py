"""Mass replacements."""

import msgspec

from api.presenters.common import actor
from api.presenters.known import Known
from api.schemas.replacements import (
    ReplacementBody,
    ReplacementCounts,
    ReplacementFilterBody,
    ReplacementItemBody,
)
from domain.replacement import Replacement
from domain.replacement_criteria import ReplacementCriteria
from projections.replacements.view import Figures, Item

NOTHING_YET = Figures()


def replacement(found: Known[Replacement], figures: Figures = NOTHING_YET) -> ReplacementBody:
    """One replacement, and how far it is."""
    state = found.state
    return ReplacementBody(
        id=found.id,
        status=state.status,
        filter=_filter(state.criteria),
        reason=state.reason,
        key=state.key,
        key_algorithm=state.key_algorithm,
        provider=state.provider,
        provider_id=state.provider_id,
        requested_by=actor(state.requested_by),
        requested_at=state.requested_at,
        ended_at=state.ended_at,
        round=state.round,
        certificates=state.certificates,
        counts=ReplacementCounts(**msgspec.structs.asdict(figures)),
    )


def item(found: Item) -> ReplacementItemBody:
    """What became of one certificate."""
    values = msgspec.structs.asdict(found)
    return ReplacementItemBody(**{name: values[name] for name in ReplacementItemBody.__struct_fields__})


def criteria(found: ReplacementFilterBody) -> ReplacementCriteria:
    """The filter as the use cases want it."""
    values = msgspec.structs.asdict(found)
    values["provider"] = tuple(None if name == "none" else name for name in found.provider)
    return ReplacementCriteria(**values)


def _filter(found: ReplacementCriteria) -> ReplacementFilterBody:
    values = msgspec.structs.asdict(found)
    values["provider"] = tuple("none" if name is None else name for name in found.provider)
    return ReplacementFilterBody(**values)
