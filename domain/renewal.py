"""Renewing a certificate: one more order through the same provider, for the same names, with a new key or the same."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from domain.certificate import Certificate, KeyOrigin
from domain.certificate_facts import CertificateFacts
from domain.certificate_order import OrderParameters
from domain.errors import Code, Refused

_YOUNG = timedelta(days=1)


def earliest(facts: CertificateFacts) -> datetime:
    """Before that a certificate is not renewed for its CA's suggestion: one that always says "now" starts no storm."""
    return facts.not_before + min((facts.not_after - facts.not_before) / 10, _YOUNG)


def check_renewable(certificate: Certificate) -> None:
    """Refuse what was not ordered here, and what has a successor already. Expired and revoked ones may be renewed."""
    name = certificate.facts.common_name
    if certificate.renewed_to is not None:
        raise _not_possible(f"The certificate {name} was renewed already; renew its successor.", "renewed")
    if certificate.order_id is None:
        raise _not_possible(f"The certificate {name} was not ordered here; order a new one.", certificate.source.value)


def parameters_of(
    certificate_id: UUID, certificate: Certificate, ordered: OrderParameters, *, same_key: bool, csr_pem: str | None
) -> OrderParameters:
    """The order of the successor. A key that is not here takes a request: the former one again, or a new one.

    Refuses the same key where it is said to be compromised.
    """
    check_renewable(certificate)
    if certificate.key_origin is KeyOrigin.ENDPOINT and (same_key or csr_pem is not None):
        sentence = "Its key is made on its target system, a new one for its successor; leave this out."
        raise Refused(Code.VALIDATION_FAILED, sentence, pointer="/key" if same_key else "/csr_pem")
    if same_key and certificate.revocation_reason == "keyCompromise":
        sentence = "Its key is compromised; a successor takes a new one."
        raise Refused(Code.VALIDATION_FAILED, sentence, pointer="/key")
    if csr_pem is not None and same_key:
        raise Refused(Code.VALIDATION_FAILED, "A new request brings its own key; leave key out.", pointer="/csr_pem")
    if csr_pem is None and not same_key and ordered.csr_pem is not None:
        sentence = "The key of this certificate is not here: send a new request, or renew with the same key."
        raise Refused(Code.VALIDATION_FAILED, sentence, pointer="/csr_pem")
    return msgspec.structs.replace(
        ordered,
        connectors=(),
        csr_pem=csr_pem or (ordered.csr_pem if same_key else None),
        renews=certificate_id,
        replacement_id=None,
        renewal_window=None,
        same_key=same_key and ordered.csr_pem is None,
    )


def _not_possible(sentence: str, status: str) -> Refused:
    return Refused(Code.INVALID_TRANSITION, sentence, current_status=status, allowed=[])
