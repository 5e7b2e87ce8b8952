"""Names that are unique among things of one kind: taken and given back in the same append as the thing itself."""

from uuid import UUID

from application.house import Context, House, load, write
from application.ports import Change
from domain import ids
from domain.claim import CLAIM, Claimed, Released
from domain.errors import Code, Refused


async def claim_name(house: House, context: Context, kind: str, name: str, holder_id: UUID) -> tuple[Change, ...]:
    """Take a name. Raises Refused(already-exists, /name) where another one has it. `kind` is like `target-system`."""
    claim = await load(house, CLAIM, ids.name_claim_id(kind, name))
    if claim.state is not None and claim.state.holder_id not in (None, holder_id):
        words = kind.replace("-", " ")
        raise Refused(Code.ALREADY_EXISTS, f"A {words} named {name} exists already.", pointer="/name")
    return (write(claim, (Claimed(meta=context.meta, kind=f"{kind}-name", holder_id=holder_id),)),)


async def change_name(
    house: House, context: Context, kind: str, former: str, name: str, holder_id: UUID
) -> tuple[Change, ...]:
    """Take another name and give the former one back; nothing where they are one name. Raises like `claim_name`."""
    if name.casefold() == former.casefold():
        return ()
    return (
        *await claim_name(house, context, kind, name, holder_id),
        *await release_name(house, context, kind, former, holder_id),
    )


async def release_name(house: House, context: Context, kind: str, name: str, holder_id: UUID) -> tuple[Change, ...]:
    """Give a name back."""
    claim = await load(house, CLAIM, ids.name_claim_id(kind, name))
    return (write(claim, (Released(meta=context.meta, kind=f"{kind}-name", holder_id=holder_id),)),)
