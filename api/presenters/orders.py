"""Certificate orders."""

from datetime import datetime

from api.presenters.common import actor
from api.presenters.issuance_policies import violation
from api.presenters.known import Known
from api.schemas.orders import OrderBody, OrderParametersBody, RenewalWindowBody, WantedConnectorBody
from domain.certificate_order import CertificateOrder, OrderParameters, Provider
from domain.suggested_window import SuggestedWindow

LABELS = {Provider.LOCAL_PKI: "Local PKI", Provider.ACME: "ACME", Provider.EXTERNAL_CA: "External CA"}


def body(found: Known[CertificateOrder], now: datetime) -> OrderBody:
    """Everything about one order; the time it has taken so far follows from the clock."""
    state = found.state
    open_for = None if state.ended_at else max((now - state.submitted_at).total_seconds(), 0.0)
    return OrderBody(
        id=found.id,
        status=state.status,
        mode=state.mode,
        provider=state.parameters.provider,
        order_type=state.parameters.provider,
        order_type_label=LABELS[state.parameters.provider],
        common_name=state.parameters.common_name,
        requested_by=actor(state.requested_by),
        submitted_at=state.submitted_at,
        ended_at=state.ended_at,
        duration_seconds=state.duration.total_seconds() if state.duration is not None else None,
        elapsed_seconds=open_for,
        attempt=state.attempt,
        certificate_id=state.certificate_id,
        error=state.error,
        violations=tuple(map(violation, state.violations)),
        warnings=tuple(map(violation, state.warnings)),
        parameters=_parameters(state.parameters),
    )


def _window(found: SuggestedWindow | None) -> RenewalWindowBody | None:
    if found is None:
        return None
    return RenewalWindowBody(start=found.start, end=found.end, explanation_url=found.explanation_url)


def _parameters(found: OrderParameters) -> OrderParametersBody:
    return OrderParametersBody(
        common_name=found.common_name,
        subject_alternative_names=found.subject_alternative_names,
        key_algorithm=found.key_algorithm,
        validity_days=found.validity_days,
        usage=found.usage,
        csr_pem=found.csr_pem,
        provider_id=found.provider_id,
        renews=found.renews,
        same_key=found.same_key,
        renewal_window=_window(found.renewal_window),
        connectors=tuple(
            WantedConnectorBody(
                target_system_id=wanted.target_system_id,
                profile=wanted.profile,
                endpoints=wanted.endpoints,
                server_name=wanted.server_name,
            )
            for wanted in found.connectors
        ),
    )
