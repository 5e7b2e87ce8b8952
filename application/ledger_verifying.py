"""Verifying the whole ledger on demand: an auditor asks, a worker recomputes, the outcome is an event."""

from typing import NamedTuple, Protocol
from uuid import UUID

from application.house import Attempt, Context, Done, House, Loaded, carry_out, load, reading_back, write
from domain import ids, ledger_verification
from domain.errors import Code, Refused
from domain.ledger_verification import LEDGER_VERIFICATION, LedgerVerification, LedgerVerificationCompleted
from domain.transparency.checkpoint import Checkpoint, parse_checkpoint
from domain.transparency.note import parse_note
from domain.transparency.proving import NotProven


class Findings(NamedTuple):
    """What recomputing came to; `finding` None: all of it holds. `root` is that of `size` leaves."""

    size: int
    checkpoints: int
    root: bytes | None = None
    position: int | None = None
    finding: str | None = None


class LedgerVerifier(Protocol):
    """Recomputes the ledger from its stored bytes."""

    async def verify(self, outside: Checkpoint | None) -> Findings:
        """All of it, and compared with a checkpoint from elsewhere."""
        ...


async def start_verification(
    house: House, context: Context, checkpoint: str | None = None
) -> Done[Loaded[LedgerVerification]]:
    """Ask for a verification, against a checkpoint (a signed note) that was kept elsewhere where one is given."""
    verification_id = ids.derive("ledger-verification", context.command_id)

    async def attempt() -> Attempt[Loaded[LedgerVerification]]:
        _parsed(checkpoint)
        known = await load(house, LEDGER_VERIFICATION, verification_id)
        events = ledger_verification.start(context.meta, checkpoint) if known.state is None else ()
        return Attempt((write(known, events),), known.after(events))

    again = reading_back(house, LEDGER_VERIFICATION, verification_id)
    return await carry_out(
        house, context, attempt, subject_id=verification_id, action="audit.verification.start", again=again
    )


async def carry_out_verification(
    house: House, context: Context, verifier: LedgerVerifier, verification_id: UUID
) -> Done[Loaded[LedgerVerification]]:
    """Recompute, and record the outcome. Repeating is harmless."""
    asked = await load(house, LEDGER_VERIFICATION, verification_id)
    found = await verifier.verify(_parsed(asked.found.checkpoint))
    context = context.later(house.clock())

    async def attempt() -> Attempt[Loaded[LedgerVerification]]:
        known = await load(house, LEDGER_VERIFICATION, verification_id)
        event = LedgerVerificationCompleted(
            meta=context.meta,
            intact=found.finding is None,
            size=found.size,
            checkpoints=found.checkpoints,
            root=found.root.hex() if found.root else None,
            position=found.position,
            finding=found.finding,
        )
        events = ledger_verification.complete(known.found, event)
        return Attempt((write(known, events),), known.after(events))

    return await carry_out(house, context, attempt, subject_id=verification_id, action="audit.verification.complete")


def _parsed(note: str | None) -> Checkpoint | None:
    try:
        return parse_checkpoint(parse_note(note).text) if note is not None else None
    except NotProven as error:
        detail = f"This is no checkpoint: {error}."
        raise Refused(Code.VALIDATION_FAILED, detail, pointer="/checkpoint") from None
