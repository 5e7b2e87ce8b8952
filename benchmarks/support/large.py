"""A large inventory, straight into the ledger: certificates of many names, issuers, owners, tags, dates and origins.

One event of each kind is encoded once; every other is the same with other ids, names and dates in its bytes. Shares are
those of `name_of`, `issuer_of` and `_kind`: what a question finds is known beforehand.
"""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from application.entries import Entry, entry
from benchmarks.support.lives import Happened
from benchmarks.support.pushes import push_of
from domain import ids
from domain.certificate import CertificateDiscovered, CertificateImported, CertificateIssued, CertificateRevoked
from domain.certificate import KeyOrigin as Key
from domain.certificate_facts import CertificateFacts, Usage
from domain.connector_events import TargetSystemAssociated
from domain.entity import Actor, ActorKind, Event, Meta
from domain.target_system import TargetSettings, TargetSystemRegistered

Kind = tuple[object, ...]
Kinds = dict[Kind, Entry]

TARGETS, CONNECTED = 500, 10
"""Target systems; one certificate of so many has a connector."""
OWNERS, SERVICES = 300, 5_000
_NOW = datetime.now(UTC).replace(microsecond=0)
_META = Meta(actor=Actor(ActorKind.SYSTEM, "benchmark"), at=_NOW, correlation_id=UUID(int=9))
_DER, _CHAIN = bytes(range(250, 0, -1)) * 3, (bytes(range(256)) * 3,)
_WORDS = ("shop", "mail", "api", "intranet", "ldap", "gateway", "portal", "billing", "metrics", "login")
_ISSUERS = ("R11", "R10", "E5", "Example Issuing CA 1", "Example Issuing CA 2", "Device CA", "Partner CA", "Test CA")
_TEMPLATE = UUID(int=0xFACADE)
_NAME, _SERIAL = "name.of.the.template", "5e" * 16
_FINGERPRINT, _NOT_AFTER, _TARGET = "f0" * 32, datetime(2026, 6, 12, 9, 26, 53, tzinfo=UTC), UUID(int=0xFACADE + 2)
_OWNER, _SERVICE = "owner-of-the-template", "service-of-the-template"


def name_of(number: int) -> str:
    """One in fifty is of a kiosk, one in a hundred thousand of a lighthouse."""
    word = "kiosk" if number % 50 == 7 else _WORDS[number % len(_WORDS)]
    word = "lighthouse" if number % 100_000 == 77 else word
    return f"{word}-{number}.zone{number % 23}.example.com"


def issuer_of(number: int) -> str:
    """One in five thousand is from a CA that nearly nobody uses."""
    return "Forgotten Root CA" if number % 5_000 == 11 else _ISSUERS[number % len(_ISSUERS)]


def certificate_id(number: int) -> UUID:
    """The id of a certificate by its number."""
    return ids.derive("certificate", number)


def target_id(number: int) -> UUID:
    """The id of a target system by its number."""
    return ids.derive("target", number)


def inventory(certificates: int) -> Iterator[Happened]:
    """All events, in order: target systems, then certificate after certificate."""
    for number in range(TARGETS):
        settings = TargetSettings(version=1, kind="nginx", bridge_id=UUID(int=1), settings={"root": "/tls"})
        registered = TargetSystemRegistered(
            meta=_META, name=f"web-{number}", bridge_id=settings.bridge_id, settings=settings
        )
        yield Happened(target_id(number), 1, entry(target_id(number), registered))
    kinds: Kinds = {}
    connector_template = UUID(int=_TEMPLATE.int + 1)
    for number in range(certificates):
        stream = certificate_id(number)
        yield Happened(stream, 1, _like(kinds, _kind(number), _TEMPLATE, number, stream))
        if number % 1_000 == 13:
            yield Happened(stream, 2, _like(kinds, ("revoked",), _TEMPLATE, number, stream))
        if number % CONNECTED == 0:
            connector = ids.derive("connector", number)
            yield Happened(connector, 1, _like(kinds, ("connector",), connector_template, number, connector))


def _like(
    kinds: dict[tuple[object, ...], Entry], kind: tuple[object, ...], stream: UUID, number: int, to: UUID
) -> Entry:
    """An event of a kind with the names of this number; its leaf still binds the payload."""
    if kind not in kinds:
        kinds[kind] = entry(stream, _event(kind))
    found = kinds[kind]
    payload = _renamed(found.payload, number)
    head = found.leaf_head.replace(str(stream).encode(), str(to).encode())
    head = _renamed(head, number)
    head = head.replace(_digest(found.salt, found.payload), _digest(found.salt, payload))
    return Entry(found.topic, payload, found.salt, found.actor, found.correlation_id, head)


def _renamed(data: bytes, number: int) -> bytes:
    end = _NOW + timedelta(days=number % 430 - 30, seconds=number)
    for before, after in (
        (_NAME, name_of(number)),
        (_SERIAL, f"{number:032x}"),
        (_FINGERPRINT, hashlib.sha256(str(number).encode()).hexdigest()),
        (f"{_NOT_AFTER:%Y-%m-%dT%H:%M:%SZ}", f"{end:%Y-%m-%dT%H:%M:%SZ}"),
        (_OWNER, f"team-{number % OWNERS}"),
        (_SERVICE, f"service-{number % SERVICES}"),
        (str(_TARGET), str(target_id(number // CONNECTED % TARGETS))),
        (str(_TEMPLATE), str(certificate_id(number))),
    ):
        data = data.replace(before.encode(), after.encode())
    return data


def _digest(salt: bytes, payload: bytes) -> bytes:
    return hashlib.sha256(salt + payload).hexdigest().encode()


def _kind(number: int) -> Kind:
    """How it came (1 in 5 found, 1 in 3 of the others ordered), issuer, usage, a rare tag or not, valid yet or not."""
    came = "discovered" if number % 5 == 3 else "issued" if number % 3 == 1 else "imported"
    usage = Usage.CLIENT if number % 1_000 == 5 else Usage.SERVER
    return (came, issuer_of(number), usage, number % 100 == 42, number % 5_000 == 17)


def _event(kind: Kind) -> Event:
    if kind[0] == "revoked":
        return CertificateRevoked(meta=_META, reason="superseded")
    if kind[0] == "connector":
        made = next(each for _, events in push_of(0) for each in events if isinstance(each, TargetSystemAssociated))
        return msgspec.structs.replace(made, certificate_id=_TEMPLATE, target_system_id=_TARGET)
    came, issuer, usage, special, early = kind
    facts = _facts(str(issuer), Usage(str(usage)), _NOW + timedelta(days=10 if early else -90))
    if came == "discovered":
        return CertificateDiscovered(meta=_META, facts=facts, der=_DER)
    tags = ("prod", _SERVICE, *(("pci",) if special else ()))
    if came == "issued":
        return CertificateIssued(
            meta=_META,
            facts=facts,
            der=_DER,
            chain=_CHAIN,
            provider="local_pki",
            order_id=UUID(int=4),
            key_origin=Key.GENERATED,
            owner=_OWNER,
        )
    return CertificateImported(
        meta=_META, facts=facts, der=_DER, chain=_CHAIN, key_origin=Key.IMPORTED, owner=_OWNER, tags=tags
    )


def _facts(issuer: str, usage: Usage, not_before: datetime) -> CertificateFacts:
    return CertificateFacts(
        subject=f"CN={_NAME}",
        common_name=_NAME,
        subject_alternative_names=(_NAME, f"www.{_NAME}"),
        issuer=f"CN={issuer},O=Example,C=DE",
        issuer_common_name=issuer,
        serial_number=_SERIAL,
        fingerprint_sha256=_FINGERPRINT,
        algorithm="ec-256",
        digest="sha256",
        not_before=not_before,
        not_after=_NOT_AFTER,
        usage=usage,
        is_ca=False,
    )
