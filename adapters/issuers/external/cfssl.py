"""Orders through a cfssl server (`POST /api/v1/cfssl/authsign`): `application.issuing_ports.Issuer`.

The request is signed with HMAC-SHA256 under the shared key (cfssl, doc/api/endpoint_authsign.txt). It issues at every
request and is therefore asked at most once.
"""

import base64
import hashlib
import hmac
import ssl
from typing import Any, NamedTuple
from uuid import UUID

import httpx
import msgspec

from adapters.issuers.answers import taken
from adapters.issuers.external.asking import AtMostOnce, unknown
from adapters.issuers.external.settings import CfsslSettings
from adapters.issuers.journal import Journal, Kept
from adapters.issuers.requesting import Request, Requesting, usage_of
from adapters.keys.store import SealedStore
from application.issuing_ports import IssuedCertificate, RevokedCertificate, TellByHand
from application.ports import CertificateReader, Clock
from domain.certificate_facts import CertificateFacts
from domain.certificate_order import OrderParameters
from domain.errors import Code, Refused
from domain.texts import verbatim

TIMEOUT_SECONDS = 30.0
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class CaUnavailable(Exception):
    """The CA could not be reached: the same is tried again later."""


class LostAnswer(CaUnavailable):
    """The CA was reached; what it did is not known."""


class _Result(msgspec.Struct, frozen=True):
    certificate: str | None = None


class _Said(msgspec.Struct, frozen=True):
    code: int
    message: str


class _Answer(msgspec.Struct, frozen=True):
    """What cfssl answers always."""

    success: bool
    result: _Result | None = None
    errors: tuple[_Said, ...] = ()


class ExternalTools(NamedTuple):
    """What an External CA uses of this installation."""

    store: SealedStore
    requesting: Requesting
    reader: CertificateReader
    clock: Clock


class CfsslOrders:
    """One cfssl server."""

    def __init__(self, settings: CfsslSettings, auth_key: str, tools: ExternalTools) -> None:
        self._settings = settings
        self._key = bytes.fromhex(auth_key)
        self._tools = tools

    def check(self, parameters: OrderParameters) -> None:
        """See Issuer.check."""
        if usage_of(parameters.usage).value not in self._settings.profiles:
            offered = ", ".join(sorted(self._settings.profiles))
            sentence = f"This provider issues for {offered} use only."
            raise Refused(Code.VALIDATION_FAILED, sentence, pointer="/usage")
        self._tools.requesting.wanted(parameters)

    def answers_at_once(self, parameters: OrderParameters) -> bool:  # noqa: ARG002 - whatever it is
        """See Issuer.answers_at_once."""
        return False

    async def issue(self, order_id: UUID, attempt: int, parameters: OrderParameters) -> IssuedCertificate:
        """See Issuer.issue."""
        journal = Journal(self._tools.store, order_id, attempt)
        kept = await journal.answer() or await journal.keep_answer(await self._obtain(journal, parameters))
        return kept.read(self._tools.reader)

    async def forget(self, order_id: UUID, attempt: int) -> None:
        """See Issuer.forget."""
        await Journal(self._tools.store, order_id, attempt).forget()

    async def _obtain(self, journal: Journal, parameters: OrderParameters) -> Kept:
        request = await self._tools.requesting.request(journal, parameters)
        names = self._tools.requesting.wanted(parameters).names
        async with self._client() as client:
            issuer = await self._asked(client, "info", {"label": self._settings.label})  # changes nothing there
            asking = await AtMostOnce(journal, self._tools.clock).ask()
            try:
                leaf = await self._asked(client, "authsign", self._signed(request, names, parameters.usage))
            except LostAnswer:
                raise unknown() from None
            except (CaUnavailable, Refused):
                await asking.not_taken()
                raise
        bundle = self._tools.reader.bundle(leaf, None, issuer)
        return taken(bundle, request, parameters, self._tools.requesting, self._tools.clock())

    def _signed(self, request: Request, names: tuple[str, ...], usage: str) -> dict[str, str]:
        wanted: dict[str, Any] = {
            "certificate_request": request.csr_pem,
            "hosts": list(names),
            "profile": self._settings.profiles[usage],
            "label": self._settings.label,
        }
        body = msgspec.json.encode(wanted)
        token = hmac.digest(self._key, body, hashlib.sha256)
        return {"token": base64.b64encode(token).decode(), "request": base64.b64encode(body).decode()}

    async def suggested(self, facts: CertificateFacts) -> None:  # noqa: ARG002 - there is nobody to ask
        """See Issuer.suggested."""
        return None  # noqa: RET501 - it is an answer

    async def revoke(self, revoked: RevokedCertificate) -> str:
        """See Issuer.revoke. Only a server with a certificate database takes revocations.

        Some versions keep no authority key id of what they issued: under the empty one it is looked for, too.
        """
        refusals: list[Refused] = []
        async with self._client() as client:
            for authority_key_id in dict.fromkeys((revoked.facts.authority_key_id or "", "")):
                try:
                    await _revoked(client, revoked, authority_key_id)
                except Refused as refused:
                    refusals.append(refused)
                else:
                    return "The CA revoked it."
        raise refusals[0]

    async def _asked(self, client: httpx.AsyncClient, endpoint: str, body: dict[str, str]) -> str:
        """The certificate in the answer (PEM). Raises CaUnavailable, Refused or LostAnswer."""
        answer = await _posted(client, endpoint, body)
        found = _read(answer)
        if found.certificate is None:
            raise LostAnswer("The CA answers without a certificate.")
        return found.certificate

    def _client(self) -> httpx.AsyncClient:
        trusted = self._settings.ca_certificates_pem
        verify = ssl.create_default_context(cadata=trusted) if trusted is not None else ssl.create_default_context()
        base_url = self._settings.url.rstrip("/")
        headers = {"Content-Type": "application/json"}
        return httpx.AsyncClient(base_url=base_url, timeout=TIMEOUT_SECONDS, verify=verify, headers=headers)


async def _revoked(client: httpx.AsyncClient, revoked: RevokedCertificate, authority_key_id: str) -> None:
    serial = str(int(revoked.facts.serial_number, 16))
    body = {"serial": serial, "authority_key_id": authority_key_id, "reason": revoked.reason.lower()}
    answer = await _posted(client, "revoke", body)
    if answer.status_code == httpx.codes.NOT_FOUND:
        raise TellByHand(
            "This cfssl server takes no revocations (it runs without a certificate database): tell the CA."
        )
    _read(answer)


async def _posted(client: httpx.AsyncClient, endpoint: str, body: dict[str, str]) -> httpx.Response:
    try:
        return await client.post(f"/api/v1/cfssl/{endpoint}", content=msgspec.json.encode(body))
    except _NOT_SENT as error:
        raise CaUnavailable(f"The CA cannot be reached ({type(error).__name__}).") from error
    except httpx.HTTPError as error:
        raise LostAnswer(f"The CA does not answer ({type(error).__name__}).") from error


def _read(answer: httpx.Response) -> _Result:
    try:
        found = msgspec.json.decode(answer.content, type=_Answer)
    except (msgspec.DecodeError, msgspec.ValidationError):
        raise LostAnswer(f"The CA answers with status {answer.status_code} and nothing of its own.") from None
    if found.success and found.result is not None:
        return found.result
    raise _refused(
        "; ".join(f"{each.message} ({each.code})" for each in found.errors) or f"status {answer.status_code}"
    )


def _refused(said: str) -> Refused:
    return Refused(Code.VALIDATION_FAILED, verbatim(f"The CA refused: {said}"))
