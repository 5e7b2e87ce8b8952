"""Who may call: principals, tokens and sessions, folded in memory from the ledger and following it within milliseconds.

A revoked token or role, and a session that was ended, stops with the next request. Nothing here is a cache
that could expire too late.
"""

import asyncio
import hmac
import logging
import re
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from datetime import datetime
from typing import Protocol, TypeVar
from uuid import UUID

import msgspec

from application.administering import secret_hash
from application.ports import Log, Recorded
from domain.entity import AggregateType
from domain.principal import PRINCIPAL, TOKEN, Principal, SubjectErased, Token, roles_of, scoped_within, usable
from domain.role_grant import Role, ScopedRole
from domain.session import SESSION, Session, SessionOpened, counts, roles_within
from projections.principals.view import PrincipalFilter, Principals, SessionFilter, TokenFilter
from projections.stopping import asked_to_stop

log = logging.getLogger("certferry.api")
S = TypeVar("S")

_TOKEN = re.compile(r"cf_([0-9a-f]{32})_([A-Za-z0-9_-]{16,128})", re.ASCII)
_NOBODY = "0" * 64
_RETRY_SECONDS = 0.5
_PATIENCE_SECONDS = 10.0
_START_SECONDS = 5.0


class Positions(Protocol):
    """How far the read models are."""

    @property
    def current(self) -> int: ...

    async def wait(self, position: int, timeout: float) -> bool:
        """Return True as soon as they show `position`; False after `timeout` seconds."""
        ...


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks: a principal by way of one of its tokens, or of a session (opened by a token or otherwise). `roles` are
    what this token or session may use now, `scoped` what it may use within scopes.
    """

    principal_id: UUID
    name: str
    kind: str
    roles: frozenset[Role]
    scoped: frozenset[ScopedRole] = frozenset()
    token_id: UUID | None = None
    session_id: UUID | None = None

    @property
    def any_roles(self) -> frozenset[Role]:
        """Those of `roles` and those within scopes: what lets somebody read, and who may ask."""
        return self.roles | {each.role for each in self.scoped}

    @property
    def credential(self) -> str:
        """How events name what authenticated the caller; a session that a token opened counts as the token."""
        return f"session:{self.session_id}" if self.token_id is None else f"token:{self.token_id}"


class Directory:
    """Principals, tokens and sessions as they are now."""

    def __init__(self) -> None:
        self.position = 0
        self.on_erasure: Callable[[UUID], None] = lambda _: None
        self._principals: dict[UUID, tuple[int, Principal]] = {}
        self._tokens: dict[UUID, tuple[int, Token]] = {}
        self._sessions: dict[UUID, tuple[int, Session]] = {}
        self._moved = asyncio.Condition()
        self._failing_since: float | None = None

    # ------------------------------------------------------------------ questions

    def identify(self, text: str, now: datetime) -> Caller | None:
        """The caller of a token's text `cf_<id>_<secret>`; the comparison takes the same time for every secret."""
        match = _TOKEN.fullmatch(text)
        if match is None:
            return None
        token_id, given = UUID(match[1]), secret_hash(match[2])
        found = self._holder(token_id)
        if found is None:
            hmac.compare_digest(_NOBODY, given)
            return None
        token, owner = found
        return _caller(token_id, token, owner) if usable(token, owner, given, now) else None

    def of_session(self, session_id: UUID, now: datetime) -> Caller | None:
        """The caller of a session, if it still counts, and the token that opened it does."""
        found = self._sessions.get(session_id)
        owner = self._principals.get(found[1].principal_id) if found else None
        if found is None or owner is None or not counts(found[1], owner[1], now):
            return None
        session = found[1]
        if session.token_id is not None:
            caller = self.of_token(session.token_id, now)
            return msgspec.structs.replace(caller, session_id=session_id) if caller is not None else None
        return Caller(
            principal_id=session.principal_id,
            name=owner[1].name,
            kind=owner[1].kind,
            roles=roles_within(session, owner[1]),
            scoped=scoped_within(owner[1], session.roles),
            session_id=session_id,
        )

    def again(self, caller: Caller, now: datetime) -> Caller | None:
        """The same caller, as far as what let them in still counts."""
        if caller.session_id is not None:
            return self.of_session(caller.session_id, now)
        return self.of_token(caller.token_id, now) if caller.token_id is not None else None

    def of_token(self, token_id: UUID, now: datetime) -> Caller | None:
        """The caller of a token that was proven before, if the token still counts."""
        found = self._holder(token_id)
        if found is None:
            return None
        token, owner = found
        return _caller(token_id, token, owner) if usable(token, owner, token.secret_sha256, now) else None

    def name_of(self, principal_id: str) -> str | None:
        """A principal's name, for people."""
        with suppress(ValueError):
            found = self._principals.get(UUID(principal_id))
            return found[1].name if found else None
        return None

    @property
    def trustworthy(self) -> bool:
        """False when the ledger could not be followed for a while, so that revocations may have gone unheard."""
        since = self._failing_since
        return since is None or asyncio.get_running_loop().time() - since < _PATIENCE_SECONDS

    async def reached(self, position: int, timeout: float) -> bool:
        """Wait until everything up to a position is known here."""
        if self.position >= position:
            return True
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout), self._moved:
                await self._moved.wait_for(lambda: self.position >= position)
        return self.position >= position

    # ------------------------------------------------------------------ following

    async def load(self, principals: Principals, position: int, now: datetime) -> None:
        """Start from the read models, which show at least `position`; sessions that are over are left out."""
        await self._load_principals(principals)
        await self._load_tokens(principals)
        await self._load_sessions(principals, now)
        self.position = position

    async def follow(self, ledger: Log) -> None:
        """Follow the ledger for ever; a failure is logged and retried."""
        while not asked_to_stop():
            try:
                async with aclosing(ledger.follow(self.position)) as batches:
                    async for batch in batches:
                        self._failing_since = None
                        await self.take(batch)
            except Exception:
                loop = asyncio.get_running_loop()
                self._failing_since = self._failing_since or loop.time()
                log.exception("the directory of principals cannot follow the ledger; trying again")
            await asyncio.sleep(_RETRY_SECONDS)

    async def take(self, batch: Sequence[Recorded]) -> None:
        """Fold a batch of the ledger."""
        for recorded in batch:
            kind = type(recorded.event)
            if kind in PRINCIPAL.table:
                _fold(PRINCIPAL, self._principals, recorded)
                if kind is SubjectErased:
                    self.on_erasure(recorded.stream_id)
            elif kind in TOKEN.table:
                _fold(TOKEN, self._tokens, recorded)
            elif kind in SESSION.table:
                self._take_session(recorded)
        if batch:
            async with self._moved:
                self.position = max(self.position, batch[-1].position)
                self._moved.notify_all()

    def _holder(self, token_id: UUID) -> tuple[Token, Principal] | None:
        token = self._tokens.get(token_id)
        owner = self._principals.get(token[1].principal_id) if token else None
        return (token[1], owner[1]) if token and owner else None

    async def _load_principals(self, principals: Principals) -> None:
        cursor: str | None = None
        while True:
            page = await principals.list(PrincipalFilter(), limit=200, cursor=cursor)
            self._principals |= {row.id: (row.position, row.state) for row in page.items}
            cursor = page.next_cursor
            if cursor is None:
                return

    async def _load_tokens(self, principals: Principals) -> None:
        cursor: str | None = None
        while True:
            page = await principals.tokens(TokenFilter(), limit=200, cursor=cursor)
            self._tokens |= {held.token.id: (held.token.position, held.token.state) for held in page.items}
            cursor = page.next_cursor
            if cursor is None:
                return

    async def _load_sessions(self, principals: Principals, now: datetime) -> None:
        cursor: str | None = None
        while True:
            page = await principals.sessions(SessionFilter(ended=False, open_at=now), limit=200, cursor=cursor)
            self._sessions |= {row.id: (row.position, row.state) for row in page.items}
            cursor = page.next_cursor
            if cursor is None:
                return

    def _take_session(self, recorded: Recorded) -> None:
        """A session that is not known was over before this directory began; those that are over are forgotten."""
        if isinstance(recorded.event, SessionOpened):
            over = [key for key, (_, each) in self._sessions.items() if each.expires_at <= recorded.event.meta.at]
            for key in over:
                del self._sessions[key]
        elif recorded.stream_id not in self._sessions:
            return
        _fold(SESSION, self._sessions, recorded)


def _caller(token_id: UUID, token: Token, owner: Principal) -> Caller:
    return Caller(
        principal_id=token.principal_id,
        name=owner.name,
        kind=owner.kind,
        roles=roles_of(token, owner),
        scoped=scoped_within(owner, token.roles),
        token_id=token_id,
    )


def _fold(kind: AggregateType[S], known: dict[UUID, tuple[int, S]], recorded: Recorded) -> None:
    position, state = known.get(recorded.stream_id, (0, None))
    if recorded.position > position:
        known[recorded.stream_id] = (recorded.position, kind.evolve(state, recorded.event))


async def start_directory(
    directory: Directory, ledger: Log, principals: Principals, positions: Positions, now: datetime
) -> asyncio.Task[None]:
    """Fill the directory, from the read models where they are there, and follow the ledger from then on.

    Answers once everything is known that the ledger held when it was called, or after a few seconds.
    """
    try:
        known = await principals.list(PrincipalFilter(), limit=1)
        if known.items and await positions.wait(1, _START_SECONDS):
            await directory.load(principals, positions.current, now)
    except Exception as error:  # noqa: BLE001 - the ledger has it all
        first_line = str(error).partition("\n")[0]
        log.warning("the read models cannot be asked for principals; reading the whole ledger: %s", first_line)
    following = asyncio.create_task(directory.follow(ledger), name="directory of principals")
    with suppress(Exception):  # the database is away: the task goes on trying
        await directory.reached(await ledger.head(), _START_SECONDS)
    return following
