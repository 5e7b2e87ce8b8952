"""Small histories for reports: events with their streams, minute by minute, and the reports over them."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from domain import ids
from domain.approval import ApprovalPolicy
from domain.connector_events import (
    DeploymentRequested,
    DeploymentStarted,
    DeploymentSucceeded,
    HandshakeEvidence,
    TargetSystemAssociated,
    TargetSystemDissociated,
    ValidationChanged,
    ValidationState,
)
from domain.entity import Actor, ActorKind, Event, Meta
from domain.principal import PrincipalCreated, TokenCreated
from domain.role_grant import Role, RoleGranted
from domain.work_order_events import PushApproved, PushCompleted, PushImplemented, PushRequested, PushScheduled
from projections.scope import Scope
from tests.projections.recorded import Records, reports
from tests.support.histories import BRIDGE_ID, SETTINGS, T0, TARGET_ID, facts, policy

MINUTE = timedelta(minutes=1)
PEOPLE = {name: ids.derive("principal", name) for name in ("rita", "anton", "ivan", "agnes", "olga")}
POLICY_ACTOR = Actor(ActorKind.SYSTEM, "approval-policy")


def user(name: str) -> Actor:
    """A person, by the id of their principal."""
    return Actor(ActorKind.USER, str(PEOPLE[name]))


class Tale:
    """Events in the order of the ledger, a minute apart."""

    def __init__(self) -> None:
        self.events: list[tuple[UUID, Event]] = []
        self.now = T0

    @property
    def position(self) -> int:
        """Of the last event."""
        return len(self.events)

    def by(self, actor: Actor, credential: str | None = None) -> Meta:
        return Meta(actor=actor, at=self.now, correlation_id=ids.derive("test", self.position), credential=credential)

    def add(self, stream: UUID, event: Event) -> int:
        """One event; answers its position. A minute passes."""
        self.events.append((stream, event))
        self.now += MINUTE
        return self.position

    def wait(self, time: timedelta) -> "Tale":
        """Nothing happens for a while."""
        self.now += time
        return self

    def employs(self, name: str, *roles: Role, by: str = "olga") -> "Tale":
        if PEOPLE[name] not in {stream for stream, _ in self.events}:
            self.add(PEOPLE[name], PrincipalCreated(meta=self.by(user(by)), name=name))
        for role in roles:
            self.add(PEOPLE[name], RoleGranted(meta=self.by(user(by)), role=role))
        return self

    def token(self, name: str, roles: tuple[Role, ...] | None) -> UUID:
        made = ids.derive("token", self.position)
        created = TokenCreated(
            meta=self.by(user("olga")),
            principal_id=PEOPLE[name],
            name="cli",
            secret_sha256="0" * 64,
            expires_at=self.now + timedelta(days=90),
            roles=roles,
        )
        self.add(made, created)
        return made

    def report(self, name: str, **different: Any) -> Any:
        """A report over everything so far, or as of an earlier position."""
        usual = Scope(since=None, until=None, position=self.position, now=self.now)
        names = {str(key): name for name, key in PEOPLE.items()}
        return reports(names)[name](Records(self.events), msgspec.structs.replace(usual, **different))

    # ------------------------------------------------------------ pushes

    def requested(
        self, who: str = "rita", wanted: ApprovalPolicy = policy(2), digest: str = "d" * 64, **standing: Any
    ) -> UUID:
        order = ids.derive("order", self.position)
        asked = PushRequested(
            meta=self.by(user(who)),
            ordinal=1,
            request_id=ids.derive("request", self.position),
            connector_id=CONNECTOR,
            certificate_id=CERTIFICATE,
            target_system_id=TARGET_ID,
            policy=wanted,
            digest=digest,
            **standing,
        )
        self.add(order, asked)
        return order

    def approved(self, order: UUID, who: str, level: int = 1, digest: str = "d" * 64, **meta: Any) -> int:
        return self.add(order, PushApproved(meta=self.by(user(who), **meta), level=level, digest=digest))

    def implemented(self, order: UUID, who: str | None, level: int = 2, digest: str = "d" * 64) -> int:
        actor = user(who) if who else POLICY_ACTOR
        return self.add(order, PushImplemented(meta=self.by(actor), level=level, digest=digest))

    def scheduled(self, order: UUID, who: str, after: timedelta) -> None:
        at = self.now + after
        self.add(order, PushScheduled(meta=self.by(user(who)), level=2, digest="d" * 64, scheduled_at=at))
        self.now = at
        begun = PushImplemented(
            meta=self.by(Actor(ActorKind.SYSTEM, "timer")), level=2, digest="d" * 64, scheduled=True
        )
        self.add(order, begun)

    def delivered(self, order: UUID) -> int:
        """Dispatched, picked up, installed."""
        deployment = ids.derive("deployment", order, self.position)
        bridge = self.by(Actor(ActorKind.BRIDGE, str(BRIDGE_ID)))
        requested = DeploymentRequested(
            meta=self.by(POLICY_ACTOR),
            deployment_id=deployment,
            work_order_id=order,
            request_id=order,
            certificate_id=CERTIFICATE,
            target_system_id=TARGET_ID,
            attempt=1,
            digest="d" * 64,
            settings=SETTINGS,
            deadline_at=self.now + timedelta(hours=1),
        )
        self.add(CONNECTOR, requested)
        started = DeploymentStarted(
            meta=self.by(bridge.actor),
            deployment_id=deployment,
            certificate_id=CERTIFICATE,
            bridge_id=BRIDGE_ID,
            fence=1,
        )
        self.add(CONNECTOR, started)
        done = DeploymentSucceeded(
            meta=self.by(bridge.actor),
            deployment_id=deployment,
            certificate_id=CERTIFICATE,
            target_system_id=TARGET_ID,
            bridge_id=BRIDGE_ID,
            fence=1,
        )
        self.add(CONNECTOR, done)
        return self.add(order, PushCompleted(meta=self.by(bridge.actor), deployment_id=deployment))

    # ------------------------------------------------------------ what is served

    def associated(self, connector: UUID, *endpoints: str, server_name: str | None = None) -> int:
        event = TargetSystemAssociated(
            meta=self.by(user("olga")),
            certificate_id=CERTIFICATE,
            target_system_id=TARGET_ID,
            endpoints=endpoints,
            server_name=server_name,
        )
        return self.add(connector, event)

    def dissociated(self, connector: UUID) -> int:
        event = TargetSystemDissociated(
            meta=self.by(user("olga")), certificate_id=CERTIFICATE, target_system_id=TARGET_ID
        )
        return self.add(connector, event)

    def seen(
        self, connector: UUID, state: ValidationState, served: str | None, endpoint: str = "10.0.0.1:443", **more: Any
    ) -> int:
        event = ValidationChanged(
            meta=self.by(Actor(ActorKind.AUTOMATION, "verification")),
            endpoint=endpoint,
            state=state,
            expected_fingerprint_sha256=FINGERPRINT,
            evidence=HandshakeEvidence(vantage="here", served_fingerprint_sha256=served),
            run_id=ids.derive("run", self.position),
            **more,
        )
        return self.add(connector, event)


CERTIFICATE = ids.certificate_id("ab" * 32)
FINGERPRINT = "ab" * 32
CONNECTOR, OTHER = ids.derive("test", "connector"), ids.derive("test", "other connector")


def certificate_facts(fingerprint: str, not_after: datetime) -> Any:
    """A certificate of the inventory."""
    return facts(fingerprint_sha256=fingerprint, serial_number=fingerprint[:8], not_after=not_after)
