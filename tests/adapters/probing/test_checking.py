"""What a bridge tells is checked: a real handshake's proof holds, and nothing that was changed or copied does."""

import hashlib
import secrets
import ssl
from pathlib import Path

import msgspec
import pytest

from adapters.probing.checking import Contradiction, check_evidence
from bridge.probing.policy import AddressPolicy, parse_networks
from bridge.probing.prober import TlsProber
from bridge.probing.sweeping.prober import SweepingProber
from bridge.protocol import Observation, Place, ProbeResult, Proof
from domain.connector_events import KeyProof
from tests.adapters.probing.servers import closed_port, only, server_context, tls_server
from tests.adapters.x509.certificates import Made, cn, make, san
from tests.contracts.probe_contract import ISSUER

_change = msgspec.structs.replace


def leaf() -> Made:
    return make(cn("a.test"), [san("a.test")], by=ISSUER)


async def looked(folder: Path, version: ssl.TLSVersion) -> tuple[Place, Observation]:
    """A place with a challenge, and what the prober that bridges have saw there."""
    prober = SweepingProber(TlsProber(AddressPolicy(parse_networks(["127.0.0.0/8"]), only_listed=True)))
    async with tls_server(only(server_context(folder, leaf(), ISSUER), version)) as port:
        place = Place("127.0.0.1", port, None, "a.test", secrets.token_bytes(32))
        return place, await prober.probe(place, 5)


async def test_a_signature_over_our_challenge_proves_the_key(tmp_path: Path) -> None:
    """TLS 1.2: what was seen is proven, for this challenge and for no other one; over the wire, too."""
    place, seen = await looked(tmp_path, ssl.TLSVersion.TLSv1_2)
    sent = msgspec.json.decode(msgspec.json.encode(seen), type=Observation)
    assert KeyProof.SIGNATURE is check_evidence(place, sent)
    with pytest.raises(Contradiction):
        check_evidence(_change(place, challenge=secrets.token_bytes(32)), seen)


async def test_of_tls_1_3_there_is_the_bridges_word(tmp_path: Path) -> None:
    """Its signature covers what only the two ends know."""
    place, seen = await looked(tmp_path, ssl.TLSVersion.TLSv1_3)
    assert ("TLSv1.3", None, KeyProof.BRIDGE_WORD) == (seen.protocol, seen.proof, check_evidence(place, seen))


async def test_what_contradicts_itself_is_refused(tmp_path: Path) -> None:
    """Another leaf under the same proof, a fingerprint that is not the leaf's, a certificate where none was shown."""
    place, seen = await looked(tmp_path, ssl.TLSVersion.TLSv1_2)
    other = leaf().der
    fingerprint = hashlib.sha256(other).hexdigest()
    copied = _change(seen, leaf_der=other, fingerprint_sha256=fingerprint, chain_fingerprints_sha256=(fingerprint,))
    assert isinstance(seen.proof, Proof)
    for lie in (
        copied,
        _change(seen, fingerprint_sha256="ab" * 32),
        _change(seen, chain_fingerprints_sha256=("ab" * 32,)),
        _change(seen, leaf_der=None),
        _change(seen, result=ProbeResult.UNREACHABLE),
        _change(seen, protocol="TLSv1.3"),
        _change(seen, reason="because"),
        _change(seen, proof=_change(seen.proof, signature=b"")),
    ):
        with pytest.raises(Contradiction):
            check_evidence(place, lie)


async def test_where_nothing_was_shown_nothing_is_proven() -> None:
    """A closed port is a closed port, whoever says so."""
    prober = TlsProber(AddressPolicy(parse_networks(["127.0.0.0/8"])))
    async with closed_port() as port:
        place = Place("127.0.0.1", port, challenge=b"0" * 32)
        assert check_evidence(place, await prober.probe(place, 5)) is None
