"""Which certificates a mass replacement is about: filters of the inventory, as they were asked for."""

from uuid import UUID

import msgspec

from domain.certificate import CertificateStatus, Source
from domain.certificate_facts import Usage
from domain.errors import Code, Refused


class ReplacementCriteria(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Several values of one field mean "or", several fields "and"; what has a successor already is never meant.

    `issuer`: a part of the issuer's name. `issuer_key_id`: the key identifier of the CA that issued them (lower-case
    hex; RFC 5280, 4.2.1.1): of a compromised CA. `q`: a part of the common name or of a subject alternative name.
    `provider` None inside the tuple: imported ones.
    """

    certificate_id: tuple[UUID, ...] = ()
    issuer: tuple[str, ...] = ()
    issuer_key_id: tuple[str, ...] = ()
    key_algorithm: tuple[str, ...] = ()
    q: str | None = None
    status: tuple[CertificateStatus, ...] = (CertificateStatus.ACTIVE, CertificateStatus.NOT_YET_VALID)
    source: tuple[Source, ...] = ()
    provider: tuple[str | None, ...] = ()
    usage: tuple[Usage, ...] = ()
    target_system_id: tuple[UUID, ...] = ()
    owner: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()


_ANY = ReplacementCriteria()


def check_narrow(criteria: ReplacementCriteria) -> None:
    """Refuse what would mean the whole inventory: that is nobody's wish, and what a lost field ends in."""
    if msgspec.structs.replace(criteria, status=_ANY.status) == _ANY:
        sentence = "Say which certificates: by issuer, issuer_key_id, key_algorithm, or another of the filters."
        raise Refused(Code.VALIDATION_FAILED, sentence, pointer="/filter")
