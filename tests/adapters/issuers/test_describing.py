"""What Local PKI tells of a certificate it has made goes into the ledger: it is exactly what reading it tells."""

import asyncio
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from adapters.issuers.local_pki import LocalPki, open_local_pki
from adapters.simulated.vault import MemoryVault
from adapters.x509.parsing import parse_der
from adapters.x509.private_keys import spki
from application.issuer_ports import IssuanceRequest
from domain.certificate_facts import Usage
from domain.errors import Refused

_KEYS = [
    spki(key.public_key())
    for key in (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
        ed25519.Ed25519PrivateKey.generate(),
        rsa.generate_private_key(65537, 2048),
    )
]


def _pki(url: str) -> LocalPki:
    return asyncio.run(open_local_pki(MemoryVault(), lambda: datetime.now(UTC), url))


_PKIS = [_pki(""), _pki("http://pki.example.org")]
_name = st.one_of(
    st.from_regex(r"(\*\.)?[a-z0-9]{1,9}(-[a-z0-9]{1,3})?\.[a-zA-Z]{2,6}", fullmatch=True),
    st.ip_addresses().map(str),
    st.from_regex(r"[a-z]{1,5}@[a-z]{1,5}\.example", fullmatch=True),
    st.sampled_from(["spiffe://example.org/a?b=c", "xn--bcher-kva.example", "a" * 63 + ".example.org"]),
    st.text(max_size=20),
)


@given(
    pki=st.sampled_from(_PKIS),
    key=st.sampled_from(_KEYS),
    common_name=st.one_of(st.just(""), _name, st.text(max_size=64)),
    names=st.lists(_name, max_size=5).map(tuple),
    usage=st.sampled_from([Usage.SERVER, Usage.CLIENT, Usage.BOTH]),
    days=st.integers(1, 3650),
)
def test_what_is_told_is_what_is_read(
    pki: LocalPki, key: bytes, common_name: str, names: tuple[str, ...], usage: Usage, days: int
) -> None:
    """Whatever is asked for: names of every kind, every key, every usage, with and without places of status."""
    request = IssuanceRequest(public_key=key, common_name=common_name, names=names, usage=usage, validity_days=days)
    try:
        issued = asyncio.run(pki.issue(request))
    except Refused:
        return
    assert parse_der(issued.leaf).facts == issued.describe()
