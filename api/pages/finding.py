"""What people call a thing by in a form: its id, or its name where that is clear."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from api.services import Views
from domain.errors import Code, Refused
from projections.inventory.view import CertificateFilter
from projections.target_systems.view import TargetSystemFilter

TARGETS = "Names or ids, one a line."


async def target_lines(views: Views, ids: Sequence[UUID]) -> list[str]:
    """Target systems as a form shows them: those in use by their names, which are unique."""
    found = await views.target_systems.get_many(ids)
    used = {
        each: row.state.name for each, row in found.items() if not row.state.retired and _id(row.state.name) is None
    }
    return [used.get(each, str(each)) for each in ids]


async def target_ids(views: Views, lines: Iterable[str], pointer: str) -> list[str]:
    """The ids that lines of a form stand for. Raises Refused at the pointer."""
    return [str(_id(line) or await _target_named(views, line, pointer)) for line in lines]


async def _target_named(views: Views, name: str, pointer: str) -> UUID:
    batches = views.target_systems.stream(TargetSystemFilter(q=name, retired=False))
    same = [row.id async for rows in batches for row in rows if row.state.name.casefold() == name.casefold()]
    return _only(same, f"target system named {name}", pointer)


async def certificate_id(views: Views, narrow: CertificateFilter, text: str, pointer: str) -> UUID:
    """The certificate with this id, or the only one of those that `narrow` lets through with this common name. Raises
    Refused.
    """
    if (found := _id(text)) is not None:
        return found
    same = [
        row.id
        async for rows in views.inventory.stream(narrow)
        for row in rows
        if row.state.facts.common_name.casefold() == text.casefold()
    ]
    return _only(same, f"certificate in force named {text}", pointer)


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _only(found: Sequence[UUID], what: str, pointer: str) -> UUID:
    if len(found) == 1:
        return found[0]
    sentence = f"There are {len(found)} of {what}: write the id." if found else f"There is no {what}."
    raise Refused(Code.VALIDATION_FAILED, sentence, pointer=pointer)
