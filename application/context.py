"""What use cases are given: the house they may use, and the context that says who asks, when and how."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from application.personal import PersonalTexts
from application.ports import Clock, Errands, Hints, Leases, Log, Presence, TokenUses
from application.vault_ports import KeyVault
from domain import ids
from domain.entity import Actor, Meta
from domain.role_grant import Role, ScopedRole
from domain.role_scope import Concern
from domain.roles import NO_ROLES, outside_scope, reach
from domain.verification_plan import Vantage


class Renewal(msgspec.Struct, frozen=True, kw_only=True):
    """Renewal without a person. `after`: the fraction of a lifetime that has to be over; certificates are spread over
    `spread` more of it. `at_once`: new orders in a minute.
    """

    automatic: bool = False
    after: float = 0.667
    spread: float = 0.05
    at_once: int = 20


class ReplacementPace(msgspec.Struct, frozen=True, kw_only=True):
    """Replacing many certificates at once: orders that are made in a minute, and that may be under way at a time."""

    per_minute: int = 3_000
    under_way: int = 500


class HouseSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What operators may choose; times in seconds. `discovery_allow`: networks that may be looked at;
    `discovery_minutes`: after how many a target system is read again by itself, 0: never.
    """

    dispatch_deadline: float = 600.0
    lease_seconds: float = 30.0
    errand_deadline: float = 120.0
    bridge_silent_after: float = 60.0
    verification_grace: float = 60.0
    verification_retries: int = 2
    verification_pause: float = 1.0
    verification_patience: float = 20.0
    verification_vantage: Vantage = Vantage.CONTROL_PLANE
    enrolment_seconds: float = 3600.0
    token_days: int = 90
    invitation_seconds: float = 259_200.0
    approval_waiting: float = 86_400.0
    renewal: Renewal = Renewal()
    replacement: ReplacementPace = ReplacementPace()
    discovery_allow: tuple[str, ...] = ()
    discovery_minutes: int = 0


class House(NamedTuple):
    """What use cases may use."""

    log: Log
    clock: Clock
    vault: KeyVault
    hints: Hints
    leases: Leases
    errands: Errands
    presence: Presence
    token_uses: TokenUses
    texts: PersonalTexts
    settings: HouseSettings = HouseSettings()


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, when and how.

    `command_id` makes the command idempotent; `chosen_by_client` tells that it stems from an Idempotency-Key, so that
    it may have been carried out already. `if_match` is the aggregate version the caller decided on (None: any).
    `roles` are those that count for the caller, for decisions that depend on them; `scoped` count for what they reach,
    see `concerning`. `needs`: the roles of which one has to count for this, where whoever let the caller in left that
    to the use case.
    """

    actor: Actor
    at: datetime
    command_id: UUID
    body_sha256: bytes = b"\0" * 32
    correlation_id: UUID | None = None
    causation_position: int | None = None
    client_address: str | None = None
    credential: str | None = None
    if_match: int | None = None
    chosen_by_client: bool = False
    roles: frozenset[Role] = NO_ROLES
    scoped: frozenset[ScopedRole] = frozenset()
    needs: frozenset[Role] = NO_ROLES

    @property
    def meta(self) -> Meta:
        """What the events of this command carry."""
        return Meta(
            actor=self.actor,
            at=self.at,
            correlation_id=self.correlation_id or self.command_id,
            causation_position=self.causation_position,
            client_address=self.client_address,
            credential=self.credential,
        )

    def concerning(self, *concerns: Concern) -> "Context":
        """The same with the roles that count for what the command concerns; of several (before and after a change) for
        all of them. Raises Refused(outside-scope).
        """
        if not self.scoped:
            return self
        roles = reach(self.roles, self.scoped, *concerns).roles
        self._check(roles)
        return msgspec.structs.replace(self, roles=roles, scoped=frozenset())

    def reached(self) -> "Context":
        """The same, once each of the many things it is about has been asked for by itself."""
        return msgspec.structs.replace(self, scoped=frozenset(), needs=NO_ROLES)

    def check_reach(self) -> None:
        """Refuse what nobody has asked `concerning` for, where none of the roles that are held everywhere allows it."""
        self._check(self.roles)

    def _check(self, roles: frozenset[Role]) -> None:
        if self.needs and self.needs.isdisjoint(roles):
            raise outside_scope({each.role for each in self.scoped} & self.needs or self.needs)

    def within(self, correlation_id: UUID) -> "Context":
        """The same, as part of an older conversation (a push request)."""
        return msgspec.structs.replace(self, correlation_id=correlation_id)

    def later(self, at: datetime) -> "Context":
        """The same at another instant: something took its time meanwhile, and what comes of it happens then."""
        return msgspec.structs.replace(self, at=at)

    def part(self, *names: object) -> "Context":
        """One of several commands that this one consists of: its id follows, the conversation is one."""
        return msgspec.structs.replace(
            self,
            command_id=ids.derive("part", self.command_id, *names),
            correlation_id=self.correlation_id or self.command_id,
            if_match=None,
        )
