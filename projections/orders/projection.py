"""Certificate orders as rows."""

from typing import Any

from domain.certificate_order import CERTIFICATE_ORDER, CertificateOrder
from projections.columns import Column, Type
from projections.entity import entity
from projections.text import search_text

COLUMNS = (
    Column("status", Type.TEXT),
    Column("provider", Type.TEXT),
    Column("mode", Type.TEXT),
    Column("requested_by", Type.TEXTS),
    Column("certificate_id", Type.UUID),
    Column("search", Type.TEXT),
    Column("replacement_id", Type.UUID),
    Column("renews", Type.UUID),
)


def _extract(state: CertificateOrder) -> tuple[Any, ...]:
    wanted, actor = state.parameters, state.requested_by
    return (
        state.status,
        wanted.provider,
        state.mode,
        (actor.id, actor.on_behalf_of) if actor.on_behalf_of else (actor.id,),
        state.certificate_id,
        search_text(wanted.common_name, *wanted.subject_alternative_names),
        wanted.replacement_id,
        wanted.renews,
    )


ORDERS = entity(
    CERTIFICATE_ORDER,
    name="orders",
    version=1,
    state_type=CertificateOrder,
    columns=COLUMNS,
    extract=_extract,
    indexes=(
        "(created_position)",
        "(status, created_position)",
        "(certificate_id)",
        "(certificate_id) WHERE mode = 'endpoint_csr'",
        "(replacement_id, renews, created_position) WHERE replacement_id IS NOT NULL",
    ),
    listed=("created_position", "certificate_id"),
)
