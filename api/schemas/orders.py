"""Certificate orders."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from api.schemas.common import ActorBody
from api.schemas.texts import EndpointText, Name, Pem, ServerName
from api.schemas.violations import ViolationBody
from domain.certificate_order import OrderStatus, Provider

DnsOrIp = Annotated[str, Meta(min_length=1, max_length=253, examples=["www.example.org"])]
KeyAlgorithm = Literal["rsa-2048", "rsa-3072", "rsa-4096", "ec-256", "ec-384", "ed25519"]


class WantedConnectorBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A target system to add to the certificate as soon as it is issued."""

    target_system_id: UUID
    profile: Name | None = None
    endpoints: Annotated[tuple[EndpointText, ...], Meta(max_length=50)] = ()
    server_name: ServerName | None = None


class OrderBodyIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A certificate request. `automated`: the key is made here; `csr`: you send a CSR, the key stays with you;
    `endpoint_csr`: the key is made on the target system of the first connector, and never leaves it.
    """

    mode: Literal["automated", "csr", "endpoint_csr"]
    provider: Provider = Provider.LOCAL_PKI
    common_name: Annotated[str, Meta(max_length=64, examples=["www.example.org"])] = ""
    subject_alternative_names: Annotated[tuple[DnsOrIp, ...], Meta(max_length=100)] = ()
    key_algorithm: KeyAlgorithm | None = None
    validity_days: Annotated[int, Meta(ge=1, le=3_650)] = 90
    usage: Literal["server", "client", "both"] = "server"
    csr_pem: Pem | None = None
    provider_id: Annotated[
        UUID | None,
        Meta(description="Which of the registered providers; may be left out where there is one."),
    ] = None
    connectors: Annotated[tuple[WantedConnectorBody, ...], Meta(max_length=100)] = ()


class RenewBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a certificate is renewed: with a new key or the same one. A key that is not here takes a request."""

    key: Literal["new", "same"] = "new"
    csr_pem: Annotated[Pem, Meta(description="A new request, for a certificate that was ordered with one.")] | None = (
        None
    )


class AnswerBodyIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a CA that is not on line answered."""

    certificate_pem: Annotated[Pem, Meta(description="The certificate; its issuers may follow it.")]
    chain_pem: Annotated[Pem, Meta(description="Its issuers, in any order.")] | None = None


class RenewalWindowBody(msgspec.Struct, frozen=True, kw_only=True):
    """When the CA suggested to renew (ARI, RFC 9773). `explanation_url`: where it says why."""

    start: datetime
    end: datetime
    explanation_url: str | None


class OrderParametersBody(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for."""

    common_name: str
    subject_alternative_names: tuple[str, ...]
    key_algorithm: str | None
    validity_days: int
    usage: str
    csr_pem: str | None
    provider_id: UUID | None
    connectors: tuple[WantedConnectorBody, ...]
    renews: Annotated[UUID | None, Meta(description="The certificate that this one replaces.")]
    same_key: bool
    renewal_window: Annotated[
        RenewalWindowBody | None, Meta(description="Why it was renewed then; null where no CA suggested it.")
    ]


class OrderBody(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate order. `duration_seconds`: submission to end; null while open, `elapsed_seconds` then.

    `violations` of issuance policies made it fail; in spite of `warnings` it went on.
    """

    id: UUID
    status: OrderStatus
    mode: str
    provider: Provider
    order_type: Provider
    order_type_label: Annotated[str, Meta(description="In the manual's words.", examples=["Local PKI"])]
    common_name: str
    requested_by: ActorBody
    submitted_at: datetime
    ended_at: datetime | None
    duration_seconds: float | None
    elapsed_seconds: float | None
    attempt: int
    certificate_id: UUID | None
    error: str | None
    violations: tuple[ViolationBody, ...]
    warnings: tuple[ViolationBody, ...]
    parameters: OrderParametersBody


class OrderPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of orders."""

    items: tuple[OrderBody, ...]
    next_cursor: str | None
