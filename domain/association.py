"""Adding and removing a target system association (manual "Managing Installed Certificates")."""

from uuid import UUID

from domain.certificate import Certificate
from domain.certificate_facts import Usage
from domain.connector import Connector
from domain.connector_events import (
    DeploymentFailed,
    TargetSystemAssociated,
    TargetSystemDissociated,
    VerificationConfigured,
)
from domain.entity import ActorKind, Event, Meta
from domain.errors import Code, Refused
from domain.push_states import DeploymentStatus, FailureCause
from domain.target_system import TargetSystem
from domain.verification_plan import AS_FOR_ALL, VerificationPlan, checked


def associate(
    known: Connector | None,
    meta: Meta,
    *,
    certificate_id: UUID,
    certificate: Certificate,
    target_system_id: UUID,
    target: TargetSystem,
    profile: str | None,
    endpoints: tuple[str, ...],
    server_name: str | None,
    verification: VerificationPlan = AS_FOR_ALL,
) -> tuple[Event, ...]:
    """A new association, `not_deployed`; adding again after a removal starts afresh."""
    if known is not None and known.associated:
        raise Refused(
            Code.CONNECTOR_EXISTS,
            f"{certificate.facts.common_name} is already associated with {target.name}"
            + (f" (profile {profile})." if profile else "."),
        )
    if target.retired:
        raise Refused(
            Code.INVALID_TRANSITION,
            f"{target.name} is retired; choose another one.",
            pointer="/target_system_id",
            current_status="retired",
            allowed=[],
        )
    associated = TargetSystemAssociated(
        meta=meta,
        certificate_id=certificate_id,
        target_system_id=target_system_id,
        profile=profile,
        endpoints=tuple(dict.fromkeys(endpoints)) or _own_endpoints(certificate, target),
        server_name=server_name,
    )
    if checked(verification) == AS_FOR_ALL:
        return (associated,)
    return (associated, VerificationConfigured(meta=meta, verification=verification))


def _own_endpoints(certificate: Certificate, target: TargetSystem) -> tuple[str, ...]:
    """Where the target serves it, if it is one to be served: a client certificate is not."""
    return target.settings.endpoints if certificate.facts.usage in (Usage.SERVER, Usage.BOTH) else ()


def configure_verification(connector: Connector, meta: Meta, wanted: VerificationPlan) -> tuple[Event, ...]:
    """How the connector is verified from now on; the same again makes no event. Raises Refused."""
    if not connector.associated:
        raise Refused(
            Code.INVALID_TRANSITION,
            "This association was removed: there is nothing to verify.",
            current_status="removed",
            allowed=[],
        )
    same = checked(wanted) == connector.verification
    return () if same else (VerificationConfigured(meta=meta, verification=wanted),)


def dissociate(connector: Connector, meta: Meta, *, comment: str | None = None) -> tuple[Event, ...]:
    """Stop tracking; nothing is uninstalled. Removing twice makes no second event.

    A deployment that no bridge has picked up yet is taken out of the queue; a running one finishes and is recorded.
    """
    if meta.actor.kind is not ActorKind.USER:
        raise Refused(Code.FORBIDDEN, "Only people remove associations; no automation does.")
    if not connector.associated:
        return ()
    removed = TargetSystemDissociated(
        meta=meta,
        certificate_id=connector.certificate_id,
        target_system_id=connector.target_system_id,
        comment=comment,
    )
    if connector.deployment_status is not DeploymentStatus.PENDING or connector.deployment_id is None:
        return (removed,)
    withdrawn = DeploymentFailed(
        meta=meta,
        deployment_id=connector.deployment_id,
        certificate_id=connector.certificate_id,
        target_system_id=connector.target_system_id,
        cause=FailureCause.UNKNOWN,
        message="The association was removed before the bridge picked the deployment up.",
        written=False,
    )
    return (removed, withdrawn)
