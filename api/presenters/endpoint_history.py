"""The history of endpoints."""

from api.schemas.endpoint_history import EndpointStateBody, EvidenceBody
from domain.connector_events import HandshakeEvidence
from projections.endpoint_history.view import EndpointState


def endpoint_state(found: EndpointState) -> EndpointStateBody:
    """One state."""
    began = found.began
    return EndpointStateBody(
        endpoint=began.endpoint,
        server_name=began.server_name,
        state=began.state,
        since=began.since,
        from_position=began.from_position,
        began_by=began.began_by,
        until=found.until,
        to_position=found.to_position,
        ended_by=found.ended_by,
        connector_id=began.connector_id,
        certificate_id=began.certificate_id,
        target_system_id=began.target_system_id,
        work_order_id=began.work_order_id,
        expected_fingerprint_sha256=began.expected_fingerprint_sha256,
        evidence=evidence(began.evidence) if began.evidence is not None else None,
        run_id=began.run_id,
    )


def evidence(seen: HandshakeEvidence) -> EvidenceBody:
    """What one handshake showed."""
    return EvidenceBody(
        vantage=seen.vantage,
        bridge_id=seen.bridge_id,
        bridge_generation=seen.bridge_generation,
        proof=seen.proof,
        address=seen.address,
        protocol=seen.protocol,
        cipher=seen.cipher,
        served_fingerprint_sha256=seen.served_fingerprint_sha256,
        chain_fingerprints_sha256=seen.chain_fingerprints_sha256,
        reason=seen.reason,
    )
