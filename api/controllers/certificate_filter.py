"""What a list of certificates is narrowed to, from the query."""

import re
from datetime import timedelta
from typing import Annotated, Literal
from uuid import UUID

from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter

from api.asking import Reading
from api.failures import bad_parameter
from api.schemas.orders import KeyAlgorithm
from api.schemas.replacements import KeyId
from domain.certificate import CertificateStatus, Source
from domain.certificate_facts import Usage
from domain.colour import Colour
from domain.connector_events import SyncState
from projections.inventory.view import CertificateFilter, colour_ranges

ProviderFilter = Literal["local_pki", "acme", "external_ca", "none"]
_SPAN = re.compile(r"^([1-9][0-9]{0,4})([hdw])$")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}

Text = Annotated[str | None, QueryParameter(max_length=200)]
Texts = Annotated[list[str] | None, QueryParameter(max_items=50)]


def certificate_filter(
    reading: NamedDependency[Reading],
    q: Annotated[str | None, QueryParameter(max_length=200, description="Part of the CN or of a SAN.")] = None,
    status: FromQuery[list[CertificateStatus] | None] = None,
    source: FromQuery[list[Source] | None] = None,
    provider: FromQuery[list[ProviderFilter] | None] = None,
    usage: FromQuery[list[Usage] | None] = None,
    colour: FromQuery[list[Colour] | None] = None,
    sync: FromQuery[list[SyncState] | None] = None,
    has_private_key: FromQuery[bool | None] = None,
    target_system_id: FromQuery[list[UUID] | None] = None,
    owner: Texts = None,
    tag: Texts = None,
    issuer: Texts = None,
    issuer_key_id: Annotated[
        list[KeyId] | None, QueryParameter(max_items=50, description="The key identifier of the issuing CA, hex.")
    ] = None,
    key_algorithm: FromQuery[list[KeyAlgorithm] | None] = None,
    expires_within: Annotated[
        str | None,
        QueryParameter(max_length=6, pattern=_SPAN.pattern, description="Hours, days or weeks: 12h, 30d, 6w."),
    ] = None,
) -> CertificateFilter:
    """Several values of one parameter mean "or", several parameters "and"."""
    return CertificateFilter(
        now=reading.now,
        q=q or None,
        status=tuple(status or ()),
        source=tuple(source or ()),
        provider=tuple(None if name == "none" else name for name in provider or ()),
        usage=tuple(usage or ()),
        colours=colour_ranges(colour, reading.now, reading.thresholds) if colour else None,
        has_private_key=has_private_key,
        sync=tuple(sync or ()),
        target_system_id=tuple(target_system_id or ()),
        owner=tuple(owner or ()),
        tag=tuple(tag or ()),
        issuer=tuple(issuer or ()),
        issuer_key_id=tuple(issuer_key_id or ()),
        key_algorithm=tuple(key_algorithm or ()),
        expires_within=_span(expires_within) if expires_within is not None else None,
    )


def _span(text: str) -> timedelta:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise bad_parameter("expires_within", "Write a number and h, d or w: 12h, 30d, 6w.")
    return int(found[1]) * _UNITS[found[2]]
