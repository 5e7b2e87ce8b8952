"""The bridge renews its own certificate when half of its life is over.

Every step is on disk before the next one, so that a crash between any two loses neither the old pair of key and
certificate nor the new one: a new key and its request are kept until they are answered (the control plane answers the
same request again), and the new certificate before the first file of the old pair is touched.
"""

import datetime as dt
import logging
import time
from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bridge import state
from bridge.backoff import Backoff
from bridge.client import CallFailed, ControlPlane, Pointless
from bridge.keys import key_and_request
from bridge.logs import say
from bridge.protocol import RENEW_PATH, RenewAnswer, RenewRequest
from bridge.tls import mutual_context

_LEFT = (state.NEXT_KEY, state.NEXT_REQUEST)


def finish(directory: Path) -> None:
    """Complete a renewal that a crash cut short; before its certificate was here, there is nothing to complete."""
    there = {name: (directory / name).exists() for name in (*_LEFT, state.NEXT_CERTIFICATE)}
    if there[state.NEXT_CERTIFICATE]:
        if there[state.NEXT_KEY]:
            state.move(directory, state.NEXT_KEY, state.KEY)
        state.move(directory, state.NEXT_CERTIFICATE, state.CERTIFICATE)
        state.remove(directory, state.NEXT_REQUEST)
    elif not all(there[name] for name in _LEFT):
        state.remove(directory, *_LEFT)


class Renewal:
    """Renews in time. `server_time` is the control plane's clock, None while it is not known."""

    def __init__(
        self,
        directory: Path,
        control_plane: ControlPlane,
        server_time: Callable[[], dt.datetime | None],
        retry_seconds: float,
    ) -> None:
        self._directory = directory
        self._control_plane = control_plane
        self._server_time = server_time
        self._backoff = Backoff(retry_seconds)
        self._not_before = 0.0
        self._due_at = _half_life(directory)

    async def renew_if_due(self) -> None:
        """Renew when it is time. Never while work is asked for: the protocol wants one after the other."""
        now = self._server_time() or dt.datetime.now(dt.UTC)
        if now < self._due_at or time.monotonic() < self._not_before:
            return
        try:
            generation = await self._renew()
        except (CallFailed, Pointless, OSError, ValueError) as error:
            if isinstance(error, Pointless):
                state.remove(self._directory, *_LEFT)  # this request will never be answered: make another one
            self._not_before = time.monotonic() + self._backoff.pause()
            say("certificate not renewed yet", logging.WARNING, error=error)
            return
        self._backoff.reset()
        self._due_at = _half_life(self._directory)
        say("certificate renewed", generation=generation, renews_at=self._due_at.isoformat(timespec="seconds"))

    async def _renew(self) -> int:
        request = _kept_request(self._directory)
        answer = await self._control_plane.call(RENEW_PATH, RenewRequest(csr_pem=request), RenewAnswer)
        _check(self._directory, answer)
        state.save(self._directory, state.AUTHORITY, answer.ca_pem)
        # With it, the renewal is done: what follows is repeated at the next start if a crash comes between.
        state.save(self._directory, state.NEXT_CERTIFICATE, answer.certificate_pem)
        finish(self._directory)
        self._control_plane.use(mutual_context(self._directory))
        return answer.generation


def _kept_request(directory: Path) -> str:
    """The request that was made before, perhaps sent and not answered; else a new one, for a new key."""
    finish(directory)
    if not (directory / state.NEXT_REQUEST).exists():
        key, request = key_and_request()
        state.save(directory, state.NEXT_KEY, key)
        state.save(directory, state.NEXT_REQUEST, request)
    return (directory / state.NEXT_REQUEST).read_text()


def _check(directory: Path, answer: RenewAnswer) -> None:
    try:
        certified = x509.load_pem_x509_certificate(answer.certificate_pem.encode()).public_key()
        x509.load_pem_x509_certificates(answer.ca_pem.encode())
        key = load_pem_private_key((directory / state.NEXT_KEY).read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise CallFailed("the answer to the renewal holds no usable certificates") from None
    if certified != key.public_key():
        raise CallFailed("the answer to the renewal is a certificate for another key")


def _half_life(directory: Path) -> dt.datetime:
    certificate = x509.load_pem_x509_certificate((directory / state.CERTIFICATE).read_bytes())
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return begin + (end - begin) / 2
