"""Secrets beside a description (of a target system, of a provider), version by version.

A version is sealed before the change that names it commits, under a number of its own; what counts is the
`secrets_version` in the ledger. So a change that is refused, or that somebody else overtakes, replaces nothing, and a
deployment gets exactly the secrets that were approved with it.
"""

from collections.abc import Awaitable, Callable, Iterable
from itertools import count
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

import msgspec

from application.house import Context, Done, House, Loaded
from application.ports import Recorded
from domain import ids
from domain.entity import Event
from domain.errors import Refused

S = TypeVar("S")
_NAME = "secrets"
_SWEPT = 3
"""How many former versions a change looks at; older ones were forgotten by earlier changes."""


class _Version(msgspec.Struct, frozen=True):
    """`command_id` keeps two commands from sharing a version, even where their secrets are the same."""

    command_id: UUID
    secrets: dict[str, str]

    def __repr__(self) -> str:
        return "_Version(...)"


class Described(NamedTuple, Generic[S]):
    """What has secrets: its name among the drawers of the vault, and the version that a state, or an event, names (0
    for none).
    """

    drawer: str
    of_state: Callable[[S], int]
    of_event: Callable[[Event], int]


class Sealing(Generic[S]):
    """The secrets of one command while it is carried out; `secrets` None leaves those that are set."""

    def __init__(
        self, house: House, context: Context, described: Described[S], owner_id: UUID, secrets: dict[str, str] | None
    ) -> None:
        self._house = house
        self._described = described
        self._owner_id = owner_id
        self._sealed: set[int] = set()
        version = None if secrets is None else _Version(context.command_id, secrets)
        self._value = None if version is None else msgspec.json.encode(version, order="sorted")

    async def after(self, present: int) -> int:
        """The version to name in the change: the present one, or the first free one after it, sealed by now."""
        if self._value is None:
            return present
        for version in count(present + 1):
            drawer = self._drawer(version)
            if await self._house.vault.keep_first(drawer, _NAME, self._value) == self._value:
                self._sealed.add(version)
                return version
        raise AssertionError("count never ends")

    async def settle(self, carried_out: Awaitable[Done[Loaded[S]]]) -> Done[Loaded[S]]:
        """Wait for the outcome, and forget what no change names."""
        try:
            done = await carried_out
        except Refused:  # any other error leaves open whether the change was committed
            await self._drop(self._sealed)
            raise
        if self._sealed and not done.repeated:
            await self._drop(self._sealed - {self._described.of_state(done.result.found)})
            await self._drop(await self._former())
        return done

    async def _drop(self, versions: Iterable[int]) -> None:
        for version in versions:
            await self._house.vault.forget(self._drawer(version))

    async def _former(self) -> list[int]:
        """Versions to forget: all but the present one and the one before, which work under way may still need."""
        history = (await self._house.log.load([self._owner_id]))[self._owner_id]
        return list(dict.fromkeys(filter(None, map(self._named, history))))[:-2][-_SWEPT:]

    def _named(self, recorded: Recorded) -> int:
        return self._described.of_event(recorded.event)

    def _drawer(self, version: int) -> UUID:
        return ids.derive(self._described.drawer, self._owner_id, version)


async def read(house: House, described: Described[S], owner_id: UUID, version: int) -> dict[str, str] | None:
    """The secrets of a version, empty for version 0 (none were ever set); None where they are no longer kept."""
    if version == 0:
        return {}
    kept = await house.vault.kept(ids.derive(described.drawer, owner_id, version), _NAME)
    return None if kept is None else msgspec.json.decode(kept, type=_Version).secrets
