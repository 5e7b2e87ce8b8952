"""Certificates as rows. DER and chain are columns of their own that only downloads read."""

import hashlib
from typing import Any

import msgspec

from domain.certificate import CERTIFICATE, Certificate
from projections.columns import Column, Type
from projections.entity import entity
from projections.inventory import kinds, terms
from projections.text import search_text, sort_text

COLUMNS = (
    Column("fingerprint", Type.TEXT),
    Column("issuer_serial", Type.BYTES),
    Column("search", Type.TEXT),
    Column("issuer", Type.TEXT),
    Column("common_name", Type.TEXT),
    Column("not_before", Type.INSTANT),
    Column("not_after", Type.INSTANT),
    Column("revoked_at", Type.INSTANT),
    Column("usage", Type.TEXT),
    Column("source", Type.TEXT),
    Column("provider", Type.TEXT),
    Column("owner", Type.TEXT),
    Column("tags", Type.TEXTS),
    Column("has_private_key", Type.BOOLEAN),
    Column("renewed", Type.BOOLEAN),
    Column("key_algorithm", Type.TEXT),
    Column("issuer_key_id", Type.TEXT),
    Column("kind", Type.BIGINT),
    Column("terms", Type.INTEGERS),
    Column("der", Type.BYTES, sticky=True),
    Column("chain", Type.BYTESES, sticky=True),
)


def issuer_serial(issuer: str, serial_number: str) -> bytes:
    """SHA-256 over what is unique too: names of issuers can be longer than an index takes."""
    return hashlib.sha256(f"{issuer}\x1f{serial_number}".encode()).digest()


def _extract(state: Certificate) -> tuple[Any, ...]:
    facts = state.facts
    return (
        facts.fingerprint_sha256,
        issuer_serial(facts.issuer, facts.serial_number),
        search_text(facts.common_name, *facts.subject_alternative_names),
        search_text(facts.issuer),
        sort_text(facts.common_name),
        facts.not_before,
        facts.not_after,
        state.revoked_at,
        facts.usage,
        state.source,
        state.provider,
        state.owner,
        state.tags,
        state.has_private_key,
        state.renewed_to is not None,
        facts.algorithm,
        facts.authority_key_id,
        kinds.of_certificate(state),
        terms.of_certificate(state),
        state.der or None,
        state.chain if state.der else None,
    )


def _slim(state: Certificate) -> Certificate:
    return msgspec.structs.replace(state, der=b"", chain=()) if state.der else state


INVENTORY = entity(
    CERTIFICATE,
    name="inventory",
    version=5,
    state_type=Certificate,
    columns=COLUMNS,
    extract=_extract,
    indexes=(
        "(not_after, id)",
        "(common_name, id)",
        "(created_position)",
        "(kind, not_after, id)",
        "(kind, common_name, id)",
        "(kind, created_position)",
        "(fingerprint)",
        "(issuer_serial)",
        "(not_before, id) WHERE not_before > created_at",
    ),
    listed=(
        "not_after, id",
        "common_name, id",
        "created_position",
        "kind, not_after, id",
        "kind, common_name, id",
        "kind, created_position",
    ),
    searched=(
        "USING gin (terms) WITH (gin_pending_list_limit = 1024)",
        "(revoked_at) WHERE revoked_at IS NOT NULL",
        "(not_before)",
    ),
    slim=_slim,
)
