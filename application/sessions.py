"""Sessions are opened and ended: events of the ledger, followed by every process that lets people in."""

from datetime import timedelta
from uuid import UUID

from application.house import Attempt, Context, Done, House, Loaded, carry_out, load, load_many, reading_back, write
from domain import ids, session
from domain.errors import Code, Refused
from domain.principal import PRINCIPAL
from domain.role_grant import Role
from domain.session import SESSION, EndReason, Proof, Session


async def open_session(
    house: House,
    context: Context,
    principal_id: UUID,
    proof: Proof,
    *,
    seconds: float,
    token_id: UUID | None = None,
    roles: tuple[Role, ...] | None = None,
) -> Done[Loaded[Session]]:
    """A session of somebody who has shown who they are. One command id opens one session, however often it comes."""
    session_id = ids.derive("session", context.command_id)

    async def attempt() -> Attempt[Loaded[Session]]:
        owner = await load(house, PRINCIPAL, principal_id)
        known = await load(house, SESSION, session_id)
        events = session.open_session(
            known.state,
            owner.found,
            context.meta,
            principal_id=principal_id,
            proof=proof,
            expires_at=context.at + timedelta(seconds=seconds),
            token_id=token_id,
            roles=roles,
        )
        return Attempt((write(known, events),), known.after(events))

    return await carry_out(house, context, attempt, subject_id=principal_id, action="session.open")


async def end_session(
    house: House, context: Context, principal_id: UUID, session_id: UUID, reason: EndReason
) -> Done[Loaded[Session]]:
    """No longer accepted, from the next request on. Somebody else's session is not found."""

    async def attempt() -> Attempt[Loaded[Session]]:
        known = await load(house, SESSION, session_id)
        if known.found.principal_id != principal_id:
            raise Refused(Code.NOT_FOUND, f"There is no session {session_id}.")
        events = session.end(known.found, context.meta, reason)
        return Attempt((write(known, events),), known.after(events))

    again = reading_back(house, SESSION, session_id)
    return await carry_out(house, context, attempt, subject_id=session_id, action="session.end", again=again)


async def end_sessions(
    house: House, context: Context, principal_id: UUID, reason: EndReason, *, keep: UUID | None = None
) -> Done[int]:
    """End all sessions of somebody but `keep`; how many there were. They end together."""

    async def attempt() -> Attempt[int]:
        wanted = [each for each in await house.hints.sessions_of(principal_id, context.at) if each != keep]
        found = (await load_many(house, SESSION, wanted)).values() if wanted else ()
        changes = [
            write(known, events) for known in found if (events := session.end(known.found, context.meta, reason))
        ]
        return Attempt(tuple(changes), len(changes))

    return await carry_out(house, context, attempt, subject_id=principal_id, action="session.end")
