"""A request for issuance through a provider (manual "Certificate Orders")."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from domain.entity import Actor, AggregateType, Event, Meta
from domain.errors import Code, Refused
from domain.suggested_window import SuggestedWindow
from domain.violation import UNTOUCHED, Judgement, Violation

_replace = msgspec.structs.replace
DEFAULT_KEY_ALGORITHM = "ec-256"
"""What is made where an order names none."""


class OrderStatus(StrEnum):
    """Manual "Certificate Orders"."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETE = "complete"
    FAILED = "failed"


class Provider(StrEnum):
    """Who issues; shown as Order Type."""

    LOCAL_PKI = "local_pki"
    ACME = "acme"
    EXTERNAL_CA = "external_ca"


class WantedConnector(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A connector to add as soon as the certificate is there."""

    target_system_id: UUID
    profile: str | None = None
    endpoints: tuple[str, ...] = ()
    server_name: str | None = None


class OrderParameters(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was asked for; kept for re-submission. `provider_id`: which of the providers that were registered.

    `renews`: the certificate that this one is to replace; `same_key`: with the key of that one, which is kept here.
    `replacement_id`: the replacement of many certificates that this order is a part of. `renewal_window`: when the CA
    suggested to renew, where that is why it was ordered.
    """

    provider: Provider
    common_name: str
    subject_alternative_names: tuple[str, ...] = ()
    key_algorithm: str | None = None
    validity_days: int
    usage: str = "server"
    csr_pem: str | None = None
    connectors: tuple[WantedConnector, ...] = ()
    provider_id: UUID | None = None
    renews: UUID | None = None
    same_key: bool = False
    replacement_id: UUID | None = None
    renewal_window: SuggestedWindow | None = None


class AutomatedRequestSubmitted(Event, frozen=True, kw_only=True):
    """Automated certificate request dispatched: the key is made here."""

    topic = "certificate.request_automated.submitted"
    parameters: OrderParameters


class CsrRequestSubmitted(Event, frozen=True, kw_only=True):
    """CSR-based certificate request dispatched."""

    topic = "certificate.request_csr.submitted"
    parameters: OrderParameters


class PolicyHardFailed(Event, frozen=True, kw_only=True):
    """Certificate request blocked by hard rules of issuance policies: nothing is issued. Every rule that was broken."""

    topic = "certificate.policy_hard_fail"
    violations: tuple[Violation, ...]
    warnings: tuple[Violation, ...] = ()
    policy_ids: tuple[UUID, ...] = ()


class PolicySoftFailed(Event, frozen=True, kw_only=True):
    """Certificate request proceeds although soft rules of issuance policies were broken: each of them."""

    topic = "certificate.policy_soft_fail"
    warnings: tuple[Violation, ...]
    policy_ids: tuple[UUID, ...] = ()


class EndpointCsrRequestSubmitted(Event, frozen=True, kw_only=True):
    """Certificate request dispatched whose key is made on the target system, which it never leaves."""

    topic = "certificate.request_endpoint_csr.submitted"
    parameters: OrderParameters
    target_system_id: UUID


class OrderCsrReceived(Event, frozen=True, kw_only=True):
    """The bridge made the key on the target system, and sent the signing request (PEM)."""

    topic = "certificate.order.csr_received"
    csr_pem: str
    target_system_id: UUID


class OrderProcessing(Event, frozen=True, kw_only=True):
    """The provider works on it."""

    topic = "certificate.order.processing"


class OrderCompleted(Event, frozen=True, kw_only=True):
    """Issued; links the certificate."""

    topic = "certificate.order.complete"
    certificate_id: UUID


class OrderFailed(Event, frozen=True, kw_only=True):
    """Not issued; the parameters are kept with the order."""

    topic = "certificate.order.failed"
    error: str


class OrderResubmitted(Event, frozen=True, kw_only=True):
    """Tried again with the same parameters."""

    topic = "certificate.order.resubmitted"


class CertificateOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State of one order. `violations` and `warnings`: what issuance policies said when it was submitted last."""

    parameters: OrderParameters
    mode: str
    requested_by: Actor
    submitted_at: datetime
    status: OrderStatus = OrderStatus.PENDING
    attempt: int = 1
    certificate_id: UUID | None = None
    error: str | None = None
    ended_at: datetime | None = None
    violations: tuple[Violation, ...] = ()
    warnings: tuple[Violation, ...] = ()
    endpoint_id: UUID | None = None
    endpoint_csr_pem: str | None = None

    @property
    def awaits_csr(self) -> bool:
        """Does its target system have to make the key first?"""
        return self.endpoint_id is not None and self.endpoint_csr_pem is None

    @property
    def request(self) -> OrderParameters:
        """What the provider is asked for: with the signing request of the target system, where it made the key."""
        if self.endpoint_csr_pem is None:
            return self.parameters
        return _replace(self.parameters, csr_pem=self.endpoint_csr_pem)

    @property
    def duration(self) -> timedelta | None:
        """Submission to completion or failure; None while open."""
        return self.ended_at - self.submitted_at if self.ended_at else None


def submit(
    known: CertificateOrder | None,
    meta: Meta,
    parameters: OrderParameters,
    judgement: Judgement = UNTOUCHED,
    *,
    endpoint_id: UUID | None = None,
) -> tuple[Event, ...]:
    """A new order; the same order id twice makes no second event. `endpoint_id`: the target system that makes the key,
    if one does.

    Raises Refused(policy-hard-fail) with the events of the failed order where hard rules are broken.
    """
    if known is not None:
        if known.violations:
            raise blocked(known.violations)
        return ()
    submitted = _submission(meta, parameters, endpoint_id)
    return (submitted, *_judged(meta, judgement, before=(submitted,)))


def _submission(meta: Meta, parameters: OrderParameters, endpoint_id: UUID | None) -> Event:
    if endpoint_id is not None:
        return EndpointCsrRequestSubmitted(meta=meta, parameters=parameters, target_system_id=endpoint_id)
    if parameters.csr_pem is not None:
        return CsrRequestSubmitted(meta=meta, parameters=parameters)
    return AutomatedRequestSubmitted(meta=meta, parameters=parameters)


def process(order: CertificateOrder, meta: Meta) -> tuple[Event, ...]:
    """Taken up; a repeat makes no event."""
    return (OrderProcessing(meta=meta),) if order.status is OrderStatus.PENDING else ()


def receive_csr(order: CertificateOrder, meta: Meta, attempt: int, csr_pem: str) -> tuple[Event, ...]:
    """The target system's signing request for an attempt; only the first one of the attempt under way counts."""
    if order.status is not OrderStatus.PROCESSING or order.attempt != attempt or not order.awaits_csr:
        return ()
    assert order.endpoint_id is not None
    return (OrderCsrReceived(meta=meta, csr_pem=csr_pem, target_system_id=order.endpoint_id),)


def complete(order: CertificateOrder, meta: Meta, certificate_id: UUID) -> tuple[Event, ...]:
    """Issued, once."""
    if order.status in (OrderStatus.COMPLETE, OrderStatus.FAILED):
        return ()
    return (OrderCompleted(meta=meta, certificate_id=certificate_id),)


def fail(order: CertificateOrder, meta: Meta, error: str) -> tuple[Event, ...]:
    """Not issued; a completed order cannot fail any more."""
    if order.status in (OrderStatus.COMPLETE, OrderStatus.FAILED):
        return ()
    return (OrderFailed(meta=meta, error=error),)


def resubmit(order: CertificateOrder, meta: Meta, judgement: Judgement = UNTOUCHED) -> tuple[Event, ...]:
    """Only a failed order can be tried again. Raises Refused(policy-hard-fail) where hard rules are broken now."""
    if order.status is not OrderStatus.FAILED:
        raise Refused(
            Code.INVALID_TRANSITION,
            f"This order is {order.status.value}; only a failed order can be resubmitted.",
            current_status=order.status.value,
            allowed=[],
        )
    return (OrderResubmitted(meta=meta), *_judged(meta, judgement))


def blocked(violations: tuple[Violation, ...], records: tuple[Event, ...] = ()) -> Refused:
    """The refusal of an order that hard rules forbid."""
    shown: Any = msgspec.to_builtins(violations)
    return Refused(Code.POLICY_HARD_FAIL, _told(violations), records=records, violations=shown)


def _judged(meta: Meta, judgement: Judgement, before: tuple[Event, ...] = ()) -> tuple[Event, ...]:
    """What policies said, as an event, or as a refusal that records it after what came `before`."""
    about = judgement.policy_ids
    if judgement.violations:
        failed = PolicyHardFailed(
            meta=meta, violations=judgement.violations, warnings=judgement.warnings, policy_ids=about
        )
        raise blocked(judgement.violations, (*before, failed))
    if judgement.warnings:
        return (PolicySoftFailed(meta=meta, warnings=judgement.warnings, policy_ids=about),)
    return ()


def _told(violations: tuple[Violation, ...]) -> str:
    said = " ".join(dict.fromkeys(each.detail for each in violations))
    return f"Issuance policies forbid this order. {said}"


def _submitted(_: CertificateOrder | None, event: Any) -> CertificateOrder:
    mode = "csr" if isinstance(event, CsrRequestSubmitted) else "automated"
    return CertificateOrder(
        parameters=event.parameters, mode=mode, requested_by=event.meta.actor, submitted_at=event.meta.at
    )


def _submitted_for_endpoint(_: CertificateOrder | None, event: EndpointCsrRequestSubmitted) -> CertificateOrder:
    return CertificateOrder(
        parameters=event.parameters,
        mode="endpoint_csr",
        requested_by=event.meta.actor,
        submitted_at=event.meta.at,
        endpoint_id=event.target_system_id,
    )


def _completed(state: CertificateOrder, event: OrderCompleted) -> CertificateOrder:
    return _replace(
        state, status=OrderStatus.COMPLETE, certificate_id=event.certificate_id, ended_at=event.meta.at, error=None
    )


def _failed(state: CertificateOrder, event: OrderFailed) -> CertificateOrder:
    return _replace(state, status=OrderStatus.FAILED, error=event.error, ended_at=event.meta.at)


def _resubmitted(state: CertificateOrder, event: OrderResubmitted) -> CertificateOrder:
    return _replace(
        state,
        status=OrderStatus.PENDING,
        attempt=state.attempt + 1,
        error=None,
        ended_at=None,
        submitted_at=event.meta.at,
        violations=(),
        warnings=(),
        endpoint_csr_pem=None,
    )


def _blocked(state: CertificateOrder, event: PolicyHardFailed) -> CertificateOrder:
    return _replace(
        state,
        status=OrderStatus.FAILED,
        error=_told(event.violations),
        ended_at=event.meta.at,
        violations=event.violations,
        warnings=event.warnings,
    )


CERTIFICATE_ORDER: AggregateType[CertificateOrder] = AggregateType(
    name="certificate_order",
    table={
        AutomatedRequestSubmitted: _submitted,
        CsrRequestSubmitted: _submitted,
        EndpointCsrRequestSubmitted: _submitted_for_endpoint,
        PolicyHardFailed: _blocked,
        PolicySoftFailed: lambda state, event: _replace(state, warnings=event.warnings),
        OrderProcessing: lambda state, _: _replace(state, status=OrderStatus.PROCESSING),
        OrderCsrReceived: lambda state, event: _replace(state, endpoint_csr_pem=event.csr_pem),
        OrderCompleted: _completed,
        OrderFailed: _failed,
        OrderResubmitted: _resubmitted,
    },
)
