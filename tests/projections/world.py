"""A small world for random histories: what exists, what has happened, and how to choose among it.

Deeds (deeds.py, pushing.py) are functions that let the domain decide about something chosen at random. The same seed
makes the same history.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from domain.approval import push_digest
from domain.catalogue import AGGREGATE_OF
from domain.certificate_facts import CertificateFacts, Usage
from domain.entity import Actor, ActorKind, Event, Meta
from domain.errors import Refused
from domain.target_system import TargetSettings

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PEOPLE = [Actor(ActorKind.USER, name) for name in ("rita", "anton", "ivan", "olga", "lea")]
ENDPOINTS = tuple(f"10.0.0.{n}:443" for n in range(1, 6))
Change = tuple[UUID, tuple[Event, ...]]
Deed = Callable[["World"], tuple[Change, ...]]


class World:
    """What exists, and what has happened so far."""

    def __init__(self, random: Random) -> None:
        self.commands: list[tuple[Change, ...]] = []
        self.streams: dict[UUID, list[Event]] = {}
        self.states: dict[UUID, Any] = {}
        self.now = T0
        self._random = random
        self._made: dict[str, list[UUID]] = {}

    @property
    def events(self) -> Iterator[tuple[UUID, Event]]:
        """All events in the order of the ledger, with their streams."""
        for command in self.commands:
            for stream_id, events in command:
                for event in events:
                    yield stream_id, event

    def live(self, deeds: Mapping[Deed, int], times: int) -> None:
        """Let so many things be tried, each deed as often as its weight says; what is refused makes no event."""
        for _ in range(times):
            self.now += timedelta(seconds=self._random.choice((1, 60, 600)))
            deed = self._random.choices(list(deeds), list(deeds.values()))[0]
            try:
                self.append(*deed(self))
            except (Refused, LookupError):
                continue

    def live_aside(self, deeds: Mapping[Deed, int], times: int, random: Random) -> None:
        """The same by other chances: what comes after is what it would have been, but for the time."""
        chances, self._random = self._random, random
        self.live(deeds, times)
        self._random = chances

    def append(self, *changes: Change) -> None:
        """What one command does."""
        done = tuple((stream_id, tuple(events)) for stream_id, events in changes if events)
        if not done:
            return
        for stream_id, events in done:
            self.streams.setdefault(stream_id, []).extend(events)
            for event in events:
                self.states[stream_id] = AGGREGATE_OF[type(event)].evolve(self.states.get(stream_id), event)
        self.commands.append(done)

    def all(self, kind: str) -> list[UUID]:
        """The ids of everything of a kind, in the order of its making."""
        return self._made.get(kind, [])

    # ------------------------------------------------------------ choosing

    def any(self, kind: str) -> tuple[UUID, Any]:
        """Something of a kind; LookupError where there is nothing."""
        chosen = self._random.choice(self.all(kind))
        return chosen, self.states[chosen]

    def one_of(self, *values: Any) -> Any:
        return self._random.choice(values)

    def new(self, kind: str, made: UUID | None = None) -> UUID:
        """A fresh id, remembered."""
        found = made or UUID(int=self._random.getrandbits(128), version=4)
        self._made.setdefault(kind, []).append(found)
        return found

    def by(self, actor: Actor | None = None) -> Meta:
        """The circumstances of something that happens now."""
        conversation = UUID(int=self._random.getrandbits(128), version=4)
        return Meta(actor=actor or self._random.choice(PEOPLE), at=self.now, correlation_id=conversation)

    def settings_of(self, target: UUID) -> TargetSettings:
        found: TargetSettings = self.states[target].settings
        return found

    def digest_of(self, connector_id: UUID) -> str:
        """What would be pushed now."""
        connector = self.states[connector_id]
        return push_digest(
            fingerprint_sha256=self.states[connector.certificate_id].facts.fingerprint_sha256,
            connector_id=connector_id,
            profile=connector.profile,
            endpoints=connector.endpoints,
            server_name=connector.server_name,
            target_system_id=connector.target_system_id,
            settings=self.settings_of(connector.target_system_id),
        )

    def facts(self) -> CertificateFacts:
        """A certificate of some name."""
        number = self._random.getrandbits(64)
        name = f"{self.one_of('www', 'shop', 'Mail', 'api_1', 'ä')}{number % 97}.example.com"
        return CertificateFacts(
            subject=f"CN={name}",
            common_name=name,
            subject_alternative_names=(name, f"alt-{number % 89}.example.org"),
            issuer=self.one_of("CN=Local PKI", "CN=External CA,O=Example"),
            issuer_common_name="Local PKI",
            serial_number=f"{number:016x}",
            fingerprint_sha256=hashlib.sha256(_der(f"{number:016x}")).hexdigest(),
            algorithm=self.one_of("ec-256", "rsa-2048"),
            digest="sha256",
            not_before=self.now - self.one_of(-1, 1, 10) * DAY,
            not_after=self.now + self.one_of(2, 9, 29, 89, 200) * DAY,
            usage=self.one_of(Usage.SERVER, Usage.SERVER, Usage.CLIENT, Usage.BOTH),
            is_ca=False,
        )


def der_of(facts: CertificateFacts) -> bytes:
    """The bytes of a certificate that a world made."""
    return _der(facts.serial_number)


def _der(serial_number: str) -> bytes:
    return f"DER {serial_number} ".encode() * 8
