"""Certificates."""

from datetime import datetime

from api.presenters.actions import action_bodies
from api.presenters.connectors import Viewer
from api.presenters.known import Known
from api.schemas.certificates import CertificateBody, CertificateItem
from api.schemas.common import ActionBody
from api.schemas.revoking import CaNoticeBody
from domain.certificate import Certificate, days_until_expiry, status
from domain.certificate_actions import available_actions
from domain.colour import Thresholds, of_certificate


def item(found: Known[Certificate], now: datetime, thresholds: Thresholds) -> CertificateItem:
    """A certificate in a list."""
    state, facts = found.state, found.state.facts
    return CertificateItem(
        id=found.id,
        common_name=facts.common_name,
        subject_alternative_names=facts.subject_alternative_names,
        issuer=facts.issuer,
        provider=state.provider,
        not_before=facts.not_before,
        not_after=facts.not_after,
        days_until_expiry=days_until_expiry(state, now),
        status=status(state, now),
        source=state.source,
        colour=of_certificate(state, now, thresholds).colour,
        owner=state.owner,
        tags=state.tags,
        has_private_key=state.has_private_key,
        fingerprint_sha256=facts.fingerprint_sha256,
    )


def body(found: Known[Certificate], viewer: Viewer, connectors: int) -> CertificateBody:
    """Everything about one certificate; `connectors` are its associated ones."""
    now, thresholds = viewer.now, viewer.thresholds
    state, facts, short = found.state, found.state.facts, item(found, now, thresholds)
    return CertificateBody(
        **{name: getattr(short, name) for name in short.__struct_fields__},
        algorithm=facts.algorithm,
        digest=facts.digest,
        serial_number=facts.serial_number,
        usage=facts.usage,
        colour_reasons=of_certificate(state, now, thresholds).reasons,
        order_id=state.order_id,
        renewed_from=state.renewed_from,
        renewed_to=state.renewed_to,
        revoked_at=state.revoked_at,
        revocation_reason=state.revocation_reason,
        revocation_comment=state.revocation_comment,
        revocation_notice=_notice(state),
        available_actions=() if viewer.past else _actions(state, viewer, has_connector=connectors > 0),
    )


def _notice(state: Certificate) -> CaNoticeBody | None:
    found = state.ca_notice
    if found is None:
        return None
    return CaNoticeBody(state=found.state, message=found.message, at=found.at, retrying=found.retrying)


def _actions(state: Certificate, viewer: Viewer, *, has_connector: bool) -> tuple[ActionBody, ...]:
    found = available_actions(
        state, roles=viewer.roles, now=viewer.now, has_connector=has_connector, scoped=viewer.scoped
    )
    return action_bodies(found)
