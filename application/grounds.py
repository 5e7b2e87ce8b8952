"""What a push rests on: connector, certificate and target system, read together and asserted together."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from application.house import House, Loaded, load_many, write
from application.ports import Change
from application.reaching import of_both
from domain.approval import push_digest
from domain.approval_policy import Asked, PushAction
from domain.certificate import CERTIFICATE, Certificate, CertificateStatus, check_key_available, check_pushable, status
from domain.certificate_facts import Usage
from domain.connector import CONNECTOR, Connector
from domain.errors import Code, Refused
from domain.push_states import FailureCause
from domain.role_scope import Concern
from domain.target_system import TARGET_SYSTEM, TargetSystem

_CAUSES = {Code.INVALID_TRANSITION: FailureCause.TARGET_UNREACHABLE, Code.NO_CONNECTOR: FailureCause.UNKNOWN}


class Grounds(NamedTuple):
    """The three aggregates that decide whether and what is pushed."""

    connector: Loaded[Connector]
    certificate: Loaded[Certificate]
    target: Loaded[TargetSystem]

    @property
    def digest(self) -> str:
        """The digest of what would be pushed now."""
        connector, target = self.connector.found, self.target.found
        return push_digest(
            fingerprint_sha256=self.certificate.found.facts.fingerprint_sha256,
            connector_id=self.connector.id,
            profile=connector.profile,
            endpoints=connector.endpoints,
            server_name=connector.server_name,
            target_system_id=self.target.id,
            settings=target.settings,
        )

    @property
    def asked(self) -> Asked:
        """What approval policies look at. What was approved and deployed here, and has not changed, is a redeploy."""
        connector, target = self.connector.state, self.target.found
        deployed = connector.deployed_digest if connector is not None else None
        same = deployed is not None and deployed == self.digest
        return Asked(
            action=PushAction.REDEPLOY if same else PushAction.PUSH,
            certificate_tags=self.certificate.found.tags,
            target_system_id=self.target.id,
            target_kind=target.settings.kind,
            target_tags=target.tags,
        )

    @property
    def concern(self) -> Concern:
        """By what of it a role within a scope reaches it."""
        return of_both(self.certificate.found, self.target.found)

    def assertions(self) -> tuple[Change, ...]:
        """None of the three may move on before the decision commits."""
        return write(self.connector, ()), write(self.certificate, ()), write(self.target, ())

    def check_eligible(self, now: datetime, *, allow_not_yet_valid: bool) -> None:
        """Refuse what cannot be pushed (domain page, section 4, rules 1 and 2)."""
        if not self.connector.found.associated:
            raise Refused(Code.NO_CONNECTOR, "This association was removed. Add the target system again, then push.")
        check_pushable(self.certificate.found, now, allow_not_yet_valid=allow_not_yet_valid)
        _check_cloud(self.certificate.found, self.target.found)
        check_key_available(self.certificate.found, self.target.id)
        if self.target.found.retired:
            raise Refused(
                Code.INVALID_TRANSITION,
                f"{self.target.found.name} is retired; nothing is pushed to it.",
                current_status="retired",
                allowed=[],
            )

    def obstacle(self, now: datetime) -> tuple[FailureCause, str] | None:
        """The same questions again at dispatch: None, or the failure they make now."""
        try:
            self.check_eligible(now, allow_not_yet_valid=self._not_yet_valid(now))
        except Refused as refused:
            return _CAUSES.get(refused.code, FailureCause.INVALID_CERTIFICATE_OR_KEY), refused.detail
        return None

    def _not_yet_valid(self, now: datetime) -> bool:
        """Pushing before the validity was allowed at the request; that does not change until it begins."""
        return status(self.certificate.found, now) is CertificateStatus.NOT_YET_VALID


async def load_grounds(house: House, connector_ids: Sequence[UUID]) -> dict[UUID, Grounds]:
    """The grounds of each connector that exists, in two reads however many there are."""
    connectors = await load_many(house, CONNECTOR, connector_ids)
    known = [c for c in connectors.values() if c.state is not None]
    certificates, targets = await asyncio.gather(
        load_many(house, CERTIFICATE, list({c.found.certificate_id for c in known})),
        load_many(house, TARGET_SYSTEM, list({c.found.target_system_id for c in known})),
    )
    return {c.id: Grounds(c, certificates[c.found.certificate_id], targets[c.found.target_system_id]) for c in known}


async def grounds_of(house: House, connector_id: UUID) -> Grounds:
    """The grounds of one connector; refuses with not-found where there is none."""
    found = await load_grounds(house, [connector_id])
    if connector_id not in found:
        raise Refused(Code.NOT_FOUND, f"There is no connector {connector_id}.")
    return found[connector_id]


def _check_cloud(certificate: Certificate, target: TargetSystem) -> None:
    if not target.settings.cloud:
        return
    if certificate.facts.usage not in (Usage.SERVER, Usage.BOTH) or not certificate.has_private_key:
        raise Refused(
            Code.CLOUD_TARGET_NOT_ELIGIBLE,
            f"Only server certificates that include their private keys can be pushed to {target.name}, "
            "which is a cloud target.",
        )
