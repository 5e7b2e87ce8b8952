"""The library `acme`, one call at a time, in threads: signing, nonces and messages are its work; what failed is sorted.

Every answer of a CA is one of three: it is so, it will never be (Refused, with what the CA said), or not now
(CaUnavailable, NotYet). A request that was refused for its nonce is sent again (RFC 8555, 6.5).
"""

import asyncio
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import requests
from acme import client, errors, messages
from josepy.errors import DeserializationError
from josepy.interfaces import JSONDeSerializable
from josepy.jwa import ES256
from josepy.jwk import JWKEC

from adapters.issuers.acme.problems import LONGEST_WAIT, CaUnavailable, passes, seconds_of, sentence
from application.issuing_ports import NotYet
from domain.errors import Code, Refused

T = TypeVar("T")
NONCES = 20
"""How often a request is sent again for its nonce; a CA that refuses half of them refuses so many once in a million."""
TIMEOUT_SECONDS = 30
_ANYTHING: Any = None
"""The library's word for an answer whose type it does not look at."""


class _Network(client.ClientNetwork):
    """Remembers the last response: problem documents come without their headers otherwise."""

    last: requests.Response | None = None

    def _send_request(self, method: str, url: str, *args: Any, **kwargs: Any) -> requests.Response:
        self.last = None
        self.last = super()._send_request(method, url, *args, **kwargs)
        return self.last


class AcmeClient:
    """One account at one CA. Made by `open_client`, used by one task at a time."""

    def __init__(self, directory: messages.Directory, network: _Network, key: JWKEC) -> None:
        self.directory = directory
        self.key = key
        self._network = network
        self._acme = client.ClientV2(directory, network)

    def use_account(self, url: str) -> None:
        """Sign with this account from now on."""
        self._network.account = messages.RegistrationResource(body=messages.Registration(), uri=url)

    async def new_account(self, wish: messages.NewRegistration) -> str:
        """The URL of the account of this key, which is made where there is none (RFC 8555, 7.3)."""

        def ask() -> str:
            try:
                return str(self._acme.new_account(wish).uri)
            except errors.ConflictError as there_already:
                return str(there_already.location)

        return await self._call(ask)

    async def post(self, url: str, body: JSONDeSerializable | None = None) -> requests.Response:
        """POST, or with no body POST-as-GET (RFC 8555, 6.3)."""
        new_nonce = str(self.directory["newNonce"])
        return await self._call(lambda: self._network.post(url, body, new_nonce_url=new_nonce))

    async def get(self, url: str) -> requests.Response:
        """GET of what the CA tells everybody (RFC 9773, 4.2), whatever it is."""
        return await self._call(lambda: self._network.get(url, content_type=_ANYTHING))

    async def _call(self, ask: Callable[[], T]) -> T:
        for _ in range(NONCES):
            try:
                return await asyncio.to_thread(ask)
            except messages.Error as error:
                if error.code != "badNonce":
                    raise sorted_out(error, self._network.last) from None
            except errors.ConflictError as error:
                raise self._conflict(error) from None
            except Exception as error:
                raise _unavailable(error) from error
        raise CaUnavailable("The CA refused every nonce.")

    def _conflict(self, error: errors.ConflictError) -> Exception:
        """The problem document of a 409, which the library takes for an account that is there already."""
        response = self._network.last
        try:
            return sorted_out(messages.Error.from_json(response.json() if response is not None else {}), response)
        except (ValueError, TypeError, AttributeError, DeserializationError):
            return _unavailable(error)


async def open_client(directory_url: str, trusted: str | None, key: JWKEC, folder: str) -> AcmeClient:
    """Ask for the directory. `trusted`: PEM of CAs instead of the system's, written to `folder` for the library."""

    def ask() -> AcmeClient:
        verify: Any = True
        if trusted is not None:
            verify = str(Path(folder) / "trusted.pem")
            Path(verify).write_text(trusted, encoding="ascii")
        network = _Network(key, alg=ES256, verify_ssl=verify, user_agent="certferry", timeout=TIMEOUT_SECONDS)
        try:
            return AcmeClient(client.ClientV2.get_directory(directory_url, network), network, key)
        except messages.Error as error:
            raise sorted_out(error, network.last) from None

    try:
        return await asyncio.to_thread(ask)
    except (Refused, NotYet, CaUnavailable):
        raise
    except Exception as error:
        raise _unavailable(error) from error


def scratch() -> "tempfile.TemporaryDirectory[str]":
    """A folder for the length of one conversation."""
    return tempfile.TemporaryDirectory(prefix="certferry-acme-")


def sorted_out(error: messages.Error, response: requests.Response | None) -> Exception:
    """What a problem document means for the order."""
    said = sentence(error)
    if error.code == "rateLimited":
        header = None if response is None else response.headers.get("Retry-After")
        seconds = seconds_of(header, datetime.now(UTC))
        if seconds is None or seconds > LONGEST_WAIT:
            return Refused(Code.VALIDATION_FAILED, f"The CA limits its rate: {said}")
        return NotYet(f"The CA limits its rate: {said}", max(seconds, 1.0))
    if passes(error, None if response is None else response.status_code):
        if error.code == "accountDoesNotExist":
            return UnknownAccount(said)
        return CaUnavailable(f"The CA is in trouble: {said}")
    return ProblemOfCa(f"The CA refused: {said}", error.code)


class ProblemOfCa(Refused):
    """The CA's no; `problem` is the last part of its type (RFC 8555, 6.7), None for types of its own."""

    def __init__(self, said: str, problem: str | None = None) -> None:
        super().__init__(Code.VALIDATION_FAILED, said)
        self.problem = problem


class UnknownAccount(CaUnavailable):
    """The CA does not know the account (any more)."""


def _unavailable(error: Exception) -> CaUnavailable:
    """The kind of error only: its text may hold whole answers."""
    return CaUnavailable(f"The CA cannot be talked to ({type(error).__name__}).")
