"""What a bridge says it saw, checked as far as it can be from here."""

import hashlib

from bridge.probing.observation import Observation, Place, ProbeResult
from bridge.probing.reasons import Reason
from bridge.probing.sweeping.flight import Flight, Otherwise
from bridge.probing.sweeping.possession import prove
from domain.connector_events import KeyProof

_PROTOCOLS = frozenset({"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3", None})
_REASONS = frozenset({*(reason.value for reason in Reason), None})


class Contradiction(ValueError):
    """This was not seen by anybody who looked as it says."""


def check_evidence(place: Place, seen: Observation) -> KeyProof | None:
    """How far an observation is proven. Raises Contradiction.

    A proof is a signature over our challenge by the key of the leaf that was shown: whoever held that key took part.
    TLS 1.3 signs what only its two ends know, so there is the bridge's word alone, and so where TLS begins later.
    """
    if seen.protocol not in _PROTOCOLS or seen.reason not in _REASONS:
        raise Contradiction
    if seen.result is not ProbeResult.CERTIFICATE:
        if seen.leaf_der or seen.fingerprint_sha256 or seen.chain_fingerprints_sha256 or seen.proof:
            raise Contradiction
        return None
    if seen.leaf_der is None or hashlib.sha256(seen.leaf_der).hexdigest() != seen.fingerprint_sha256:
        raise Contradiction
    if seen.chain_fingerprints_sha256[:1] != (seen.fingerprint_sha256,):
        raise Contradiction
    return _proven(place, seen, seen.leaf_der)


def _proven(place: Place, seen: Observation, leaf_der: bytes) -> KeyProof:
    proof = seen.proof
    if proof is None:
        return KeyProof.BRIDGE_WORD
    if place.challenge is None or seen.protocol != "TLSv1.2":
        raise Contradiction
    flight = Flight(proof.random, seen.cipher or "", (leaf_der,), proof.signed, proof.scheme, proof.signature)
    try:
        prove(flight, place.challenge)
    except Otherwise:
        raise Contradiction from None
    return KeyProof.SIGNATURE
