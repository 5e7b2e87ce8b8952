"""Idempotency-Key: the same key with the same body gets the same answer, once carried out; another body is refused.

The command id follows from (principal, method, path, key), so the ledger itself recognises a command that was carried
out although its answer was lost. Refused commands are not kept: they changed nothing and may be tried again.
"""

from uuid import UUID, uuid4

from api.problems import Problem
from api.services import KeptAnswer, Services
from application.ports import CommandIdReused
from domain import ids

KEY_PATTERN = r"^[\x21-\x7e]{1,255}$"


class Replayed(Exception):
    """This command was answered before; here is the answer."""

    def __init__(self, answer: KeptAnswer) -> None:
        super().__init__("answered before")
        self.answer = answer


def command_id(principal: UUID, method: str, path: str, key: str | None) -> UUID:
    """The id of a command: derived from its key, else random."""
    return uuid4() if key is None else ids.derive("idempotency-key", principal, method, path, key)


async def claim(services: Services, command: UUID, body_sha256: bytes, *, secret: bool) -> None:
    """Claim a command with a key. Raises Replayed, CommandIdReused, or 409 while it is in progress.

    `secret`: its answer carries a secret, so what was carried out is never answered again.
    """
    recorded = await services.house.log.find_command(command)
    if recorded is not None:
        if recorded[0] != body_sha256:
            raise CommandIdReused
        if secret:
            raise _not_repeated()
    known = await services.idempotency.claim(command, body_sha256)
    if known is None:
        return
    if known.body_sha256 != body_sha256:
        raise CommandIdReused
    if known.answer is None:
        raise Problem("idempotency-in-progress", "This request is being carried out; ask again in a moment.")
    if known.answer.body is None:
        raise _not_repeated()
    raise Replayed(known.answer)


def _not_repeated() -> Problem:
    return Problem(
        "idempotency-secret-not-repeated",
        "This was carried out, but its answer carried a secret, which is shown once. If it was lost, revoke what was "
        "made and make a new one.",
    )
