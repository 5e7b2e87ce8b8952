"""A small control plane for the agent's tests: the real TLS listener, the real protocol, and faults on request.

It keeps the rules a bridge relies on: fences that rise with every lease, leases that end, the first report under the
current fence decides, everything else is recorded as stale or repeated.
"""

import asyncio
import base64
import contextlib
import datetime as dt
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope

from adapters.bridge_listener import peer_certificate
from adapters.keys.sealing import seal_content
from bridge.protocol import (
    DISCOVERY_PATH,
    ENROL_PATH,
    HEARTBEAT_PATH,
    LEASE_PATH,
    PROGRESS_PATH,
    RENEW_PATH,
    RESULT_PATH,
    VERIFICATION_PATH,
    Assignment,
    DiscoveryRequest,
    EnrolAnswer,
    EnrolRequest,
    HeartbeatAnswer,
    HeartbeatRequest,
    LeaseAnswer,
    LeaseRequest,
    ProgressRequest,
    RenewAnswer,
    RenewRequest,
    ReportAnswer,
    ResultRequest,
    SealedContent,
    VerificationRequest,
)
from tests.bridge.listening import listening
from tests.bridge.pki import CLIENT, USUAL, Authority

PATIENCE = 6_000
"""Looks, a hundredth of a second apart: a machine that sleeps in between costs none."""

TOKEN = "one-time-token-aiT2ooph"
_NO_FENCE = 0

Report = ResultRequest | DiscoveryRequest | VerificationRequest


@dataclass
class Enrolled:
    """What the control plane knows of its bridge."""

    bridge_id: uuid.UUID
    certificate: bytes
    hpke_key: bytes
    request: EnrolRequest
    generation: int = 1
    renewal: str = ""
    followed: bytes | None = None
    outdated: list[bytes] = field(default_factory=list)


@dataclass
class Offer:
    """One assignment with its content and its life: leased under a fence until a time, then ended by one report."""

    assignment: Assignment
    content: SealedContent
    fence: int = _NO_FENCE
    leased_until: float = 0.0
    lost: bool = False
    decided: Report | None = None
    received: list[tuple[Report, ReportAnswer]] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; `cut`: the request is taken and the connection is lost before the answer."""

    status: int
    body: bytes
    cut: bool = False
    content_type: bytes = b"application/json"


def problem(status: int, detail: str) -> Answer:
    body = msgspec.json.encode({"type": "/problems/test", "title": "Refused", "detail": detail})
    return Answer(status, body, content_type=b"application/problem+json")


class ControlPlane:
    """Shared between the test and the listener's thread; everything goes through one lock."""

    def __init__(self, ca: Authority) -> None:
        self.ca = ca
        self.bridge: Enrolled | None = None
        self.offers: dict[uuid.UUID, Offer] = {}
        self.raw_assignments: list[dict[str, Any]] = []
        self.heartbeats: list[HeartbeatRequest] = []
        self.requests: list[str] = []
        self.interfere: Callable[[str], Answer | None] = lambda _path: None
        self.clock_offset = dt.timedelta()
        self.enrolment_lasts = USUAL
        self.clones = 0
        self._lock = threading.RLock()

    # ------------------------------------------------------------ for tests

    def offer(self, assignment: Assignment, content: SealedContent | None = None) -> Offer:
        """Put work up for the bridge."""
        offer = Offer(assignment, content or SealedContent())
        with self._lock:
            self.offers[assignment.assignment_id] = offer
        return offer

    async def decided(self, offer: Offer) -> Report:
        """The report that decided; waits for it."""
        await self.wait(lambda: offer.decided is not None)
        assert offer.decided is not None
        return offer.decided

    async def wait(self, condition: Callable[[], bool]) -> None:
        """Wait until something has happened here."""
        for _ in range(PATIENCE):
            if condition():
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"it did not happen; the last requests: {self.requests[-20:]}")

    @contextlib.contextmanager
    def interfering(self, path: str, *answers: Answer) -> Iterator[list[Answer]]:
        """Answer the next calls of a path like this instead; yields what is left of the answers."""
        left = list(answers)
        self.interfere = lambda called: left.pop(0) if left and called == path else None
        try:
            yield left
        finally:
            self.interfere = lambda _path: None

    # ------------------------------------------------------------ HTTP

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """The ASGI app."""
        if scope["type"] != "http":
            return
        body = await _body(receive)
        if body is None:
            return
        handling = asyncio.create_task(self._answer(scope["path"], peer_certificate(scope), body))
        gone = asyncio.ensure_future(receive())
        await asyncio.wait({handling, gone}, return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        if not handling.done():
            handling.cancel()  # nobody waits any more: a long poll must not lease to the dead
            return
        answer = handling.result()
        headers = [(b"content-type", answer.content_type), (b"content-length", b"%d" % len(answer.body))]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if answer.cut:
            raise ConnectionAbortedError("the test cuts this connection")
        await send({"type": "http.response.body", "body": answer.body, "more_body": False})

    async def _answer(self, path: str, certificate: bytes | None, body: bytes) -> Answer:
        with self._lock:
            self.requests.append(path)
            interfered = self.interfere(path)
        if interfered is not None and not interfered.cut:
            return interfered
        answer = await self._handled(path, certificate, body)
        return replace(answer, cut=True) if interfered is not None else answer

    async def _handled(self, path: str, certificate: bytes | None, body: bytes) -> Answer:
        if path == ENROL_PATH:
            return self._enrol(msgspec.json.decode(body, type=EnrolRequest))
        if self.bridge is None or certificate is None or not self._known(path, certificate):
            return problem(401, "This is no bridge of ours.")
        if path == LEASE_PATH:
            return await self._lease(msgspec.json.decode(body, type=LeaseRequest))
        handlers: dict[str, tuple[type[Any], Callable[[Any], msgspec.Struct]]] = {
            RENEW_PATH: (RenewRequest, self._renew),
            HEARTBEAT_PATH: (HeartbeatRequest, self._heartbeat),
            PROGRESS_PATH: (ProgressRequest, self._progress),
            RESULT_PATH: (ResultRequest, self._report),
            DISCOVERY_PATH: (DiscoveryRequest, self._report),
            VERIFICATION_PATH: (VerificationRequest, self._report),
        }
        request_type, handler = handlers[path]
        with self._lock:
            return Answer(200, msgspec.json.encode(handler(msgspec.json.decode(body, type=request_type))))

    # ------------------------------------------------------------ the protocol

    def _enrol(self, request: EnrolRequest) -> Answer:
        again = self.bridge is not None and self.bridge.request.csr_pem == request.csr_pem
        if request.token != TOKEN or (self.bridge is not None and not again):
            return problem(403, "The enrolment token is wrong, used or too old.")
        key = x509.load_pem_x509_csr(request.csr_pem.encode()).public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        issued = self.ca.sign("bridge", key, CLIENT, lasting=self.enrolment_lasts)
        der = issued.public_bytes(_DER)
        bridge_id = self.bridge.bridge_id if self.bridge else uuid.uuid4()
        self.bridge = Enrolled(bridge_id, der, base64.b64decode(request.hpke_public_key), request)
        answer = EnrolAnswer(
            bridge_id=bridge_id,
            name="edge-1",
            certificate_pem=issued.public_bytes(_PEM).decode(),
            ca_pem=self.ca.root.pem,
        )
        return Answer(200, msgspec.json.encode(answer))

    def _known(self, path: str, certificate: bytes) -> bool:
        """The rules of renewal: `followed` is good until the newer one asks for work, then it is a clone's."""
        bridge = self.bridge
        assert bridge is not None
        if certificate == bridge.certificate and path in (LEASE_PATH, RENEW_PATH) and bridge.followed is not None:
            bridge.outdated.append(bridge.followed)
            bridge.followed = None
        self.clones += certificate in bridge.outdated and path in (LEASE_PATH, RENEW_PATH)
        return certificate in (bridge.certificate, bridge.followed)

    def _renew(self, request: RenewRequest) -> RenewAnswer:
        bridge = self.bridge
        assert bridge is not None
        key = x509.load_pem_x509_csr(request.csr_pem.encode()).public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        if bridge.followed is None:
            bridge.followed, bridge.renewal, bridge.generation = (
                bridge.certificate,
                request.csr_pem,
                bridge.generation + 1,
            )
        assert request.csr_pem == bridge.renewal, "a repeated renewal is for the same key"
        issued = self.ca.sign("bridge", key, CLIENT, lasting=(dt.timedelta(minutes=5), dt.timedelta(days=1)))
        bridge.certificate = issued.public_bytes(_DER)
        pem = issued.public_bytes(_PEM).decode()
        return RenewAnswer(certificate_pem=pem, ca_pem=self.ca.root.pem, generation=bridge.generation)

    async def _lease(self, request: LeaseRequest) -> Answer:
        until = time.monotonic() + request.wait_seconds
        while True:
            with self._lock:
                raw, self.raw_assignments = self.raw_assignments, []
                leased = self._leased(request.capacity)
            if raw:
                return Answer(200, msgspec.json.encode({"assignments": raw}))
            if leased or time.monotonic() >= until:
                return Answer(200, msgspec.json.encode(LeaseAnswer(assignments=leased)))
            await asyncio.sleep(0.02)

    def _leased(self, capacity: int) -> tuple[Assignment, ...]:
        now = time.monotonic()
        free = [each for each in self.offers.values() if each.decided is None and each.leased_until < now]
        return tuple(self._hand_out(offer) for offer in free[:capacity])

    def _hand_out(self, offer: Offer) -> Assignment:
        assert self.bridge is not None
        offer.fence = max(offer.fence + 1, offer.assignment.fence)
        offer.lost = False
        offer.leased_until = time.monotonic() + offer.assignment.lease_seconds
        certificate = offer.assignment.certificate
        sealed = seal_content(
            offer.content,
            self.bridge.hpke_key,
            bridge_id=self.bridge.bridge_id,
            assignment_id=offer.assignment.assignment_id,
            fence=offer.fence,
            fullchain_pem=certificate.fullchain_pem if certificate else None,
        )
        return msgspec.structs.replace(offer.assignment, fence=offer.fence, sealed=sealed)

    def _heartbeat(self, request: HeartbeatRequest) -> HeartbeatAnswer:
        self.heartbeats.append(request)
        lost = []
        for held in request.holding:
            offer = self.offers.get(held.assignment_id)
            if offer is None or offer.fence != held.fence or offer.lost or offer.decided is not None:
                lost.append(held.assignment_id)
            else:
                offer.leased_until = time.monotonic() + offer.assignment.lease_seconds
        return HeartbeatAnswer(server_time=dt.datetime.now(dt.UTC) + self.clock_offset, lost=tuple(lost))

    def _progress(self, request: ProgressRequest) -> ReportAnswer:
        offer = self.offers[request.assignment_id]
        offer.steps.append(request.step)
        return ReportAnswer(accepted=True, stale=offer.fence != request.fence)

    def _report(self, report: Report) -> ReportAnswer:
        offer = self.offers[report.assignment_id]
        stale = offer.fence != report.fence or offer.lost
        accepted = not stale and offer.decided is None
        if accepted:
            offer.decided = report
        answer = ReportAnswer(accepted=accepted, stale=stale)
        offer.received.append((report, answer))
        return answer


_DER = Encoding.DER
_PEM = Encoding.PEM


async def _body(receive: ASGIReceiveCallable) -> bytes | None:
    """The whole body; None when the client has gone."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


@contextlib.contextmanager
def running_control_plane(directory: Path) -> Iterator[tuple[ControlPlane, str]]:
    """A listening control plane and its URL."""
    ca = Authority.create("Bridge CA")
    ca_file = directory / "bridge-ca.pem"
    ca_file.write_text(ca.root.pem)
    control_plane = ControlPlane(ca)
    with listening(control_plane, ca.server("listener").write(directory, "listener"), ca_file) as port:
        yield control_plane, f"https://127.0.0.1:{port}"
