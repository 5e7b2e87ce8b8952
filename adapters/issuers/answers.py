"""Is this the certificate that was asked for? Nothing that an authority outside answers is taken without a look."""

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509

from adapters.issuers.journal import Kept
from adapters.issuers.requesting import Request, Requesting, plain_name, usage_of
from adapters.x509.bundle import is_issued_by
from adapters.x509.parsing import parse_der
from adapters.x509.private_keys import spki
from application.issuer_ports import RequestedCertificate
from application.ports import ReadBundle, ReadCertificate
from domain.certificate_facts import Usage
from domain.certificate_order import OrderParameters
from domain.errors import Code, Refused

POINTER = "/certificate_pem"


def check_answer(
    leaf: ReadCertificate, asked: RequestedCertificate, names: Sequence[str], usage: Usage, now: datetime
) -> None:
    """Raise Refused(validation-failed, /certificate_pem) unless key, names, usage and validity are what was asked for.

    More names than were asked for are taken: public CAs add `www.` of their own accord.
    """
    facts = leaf.facts
    if facts.is_ca:
        raise _refused("This is a CA's certificate, not the one that was ordered.")
    if spki(x509.load_der_x509_certificate(leaf.der).public_key()) != asked.public_key:
        raise _refused("The certificate is for another key than the request of this order.")
    certified = {plain_name(name) for name in (*facts.subject_alternative_names, facts.common_name)}
    if missing := [name for name in names if plain_name(name) not in certified]:
        raise _refused(f"The certificate does not hold the name {', '.join(missing)}, which was ordered.")
    if facts.usage not in (usage, Usage.BOTH):
        raise _refused(f"The certificate is for {facts.usage.value} use; {usage.value} was ordered.")
    if facts.not_after < now:
        raise _refused(f"The certificate expired at {facts.not_after:%Y-%m-%d %H:%M:%S} UTC.")


def taken(
    bundle: ReadBundle, request: Request, parameters: OrderParameters, requesting: Requesting, now: datetime
) -> Kept:
    """What to keep of an authority's answer to a request. Raises like `check_answer`."""
    asked, names = requesting.read(request.csr_pem), requesting.wanted(parameters).names
    check_answer(bundle.leaf, asked, names, usage_of(parameters.usage), now)
    return Kept(bundle.leaf.der, tuple(each.der for each in bundle.chain), request.private_key)


def check_anchored(leaf: ReadCertificate, chain: Sequence[ReadCertificate], anchors: Sequence[bytes]) -> None:
    """Raise Refused unless leaf and chain end at, or directly below, one of these CAs (DER)."""
    last = parse_der((leaf, *chain)[-1].der)
    known = [parse_der(der) for der in anchors]
    if not any(last.der == anchor.der or is_issued_by(last, anchor) for anchor in known):
        issuer = last.facts.issuer or "an issuer without a name"
        sentence = f"The chain ends with a certificate of {issuer}, which is none of the CAs of this provider."
        raise Refused(Code.VALIDATION_FAILED, sentence, pointer="/chain_pem" if chain else POINTER)


def _refused(sentence: str) -> Refused:
    return Refused(Code.VALIDATION_FAILED, sentence, pointer=POINTER)
