"""Orders through an ACME CA: `application.issuing_ports.Issuer`.

Key and signing request are noted before the CA is asked, the order's URL before anything is done with it. A certificate
comes into being at one step only, finalizing, and that is taken for an order that the CA itself calls ready: so
whatever dies in between, one attempt ends with at most one certificate, and the next try finds it.
"""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from acme import messages
from cryptography import x509
from cryptography.x509.oid import NameOID

from adapters.issuers.acme.account import Account
from adapters.issuers.acme.client import AcmeClient, UnknownAccount, open_client, scratch
from adapters.issuers.acme.conversation import PATIENCE_SECONDS, Conversation
from adapters.issuers.acme.dns_solvers import HookSolver, Rfc2136Solver
from adapters.issuers.acme.http_solvers import ServiceSolver, ShownTokens, WebrootSolver
from adapters.issuers.acme.renewal_info import suggested
from adapters.issuers.acme.revoking import tell_revoked
from adapters.issuers.acme.settings import AcmeSecrets, AcmeSettings
from adapters.issuers.acme.solvers import Solver
from adapters.issuers.answers import taken
from adapters.issuers.journal import Journal, Kept
from adapters.issuers.requesting import Request, Requesting, is_address, usage_of
from adapters.keys.store import SealedStore
from application.issuing_ports import IssuedCertificate, RevokedCertificate
from application.ports import CertificateReader, Clock
from application.renewal_ports import Suggestion
from domain.certificate_facts import CertificateFacts
from domain.certificate_order import OrderParameters
from domain.errors import Code, Refused

_URL, _TOLD = "acme order", "acme challenges told"


async def _nobody(_: UUID) -> None:
    return None


class AcmeTools(NamedTuple):
    """What an ACME provider uses of this installation; `webroot` and `dns_hook` are the operator's. `former`: what is
    known of a certificate that is renewed.
    """

    store: SealedStore
    requesting: Requesting
    reader: CertificateReader
    clock: Clock
    tokens: ShownTokens
    webroot: Path | None = None
    dns_hook: Sequence[str] = ()
    former: Callable[[UUID], Awaitable[CertificateFacts | None]] = _nobody
    patience: float = PATIENCE_SECONDS


class AcmeOrders:
    """One ACME provider."""

    def __init__(self, provider_id: UUID, settings: AcmeSettings, secrets: AcmeSecrets, tools: AcmeTools) -> None:
        self._settings = settings
        self._secrets = secrets
        self._tools = tools
        self._account = Account(tools.store, provider_id, settings, secrets)

    def check(self, parameters: OrderParameters) -> None:
        """See Issuer.check."""
        if usage_of(parameters.usage).value != "server":
            sentence = "ACME CAs issue for servers; the usage must be server."
            raise Refused(Code.VALIDATION_FAILED, sentence, pointer="/usage")
        wanted = self._tools.requesting.wanted(parameters)
        if self._settings.challenge == "dns-01":
            return
        for name in wanted.names:
            if name.startswith("*."):
                given = parameters.subject_alternative_names
                pointer = f"/subject_alternative_names/{given.index(name)}" if name in given else "/common_name"
                sentence = f"{name} can be shown to be yours by DNS only; this provider shows it by HTTP."
                raise Refused(Code.VALIDATION_FAILED, sentence, pointer=pointer)

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

    async def revoke(self, revoked: RevokedCertificate) -> str:
        """See Issuer.revoke."""
        async with self._signed_in() as client:
            return await tell_revoked(client, revoked)

    async def suggested(self, facts: CertificateFacts) -> Suggestion:
        """See Issuer.suggested."""
        key, settings = await self._account.key(), self._settings
        with scratch() as folder:
            client = await open_client(settings.directory_url, settings.ca_certificates_pem, key, folder)
            return await suggested(client, facts, self._tools.clock())

    async def _obtain(self, journal: Journal, parameters: OrderParameters) -> Kept:
        request = await self._tools.requesting.request(journal, parameters)
        async with self._signed_in() as client:
            talk = Conversation(client, self._solver(), self._settings.challenge, self._tools.patience)
            return await self._through(talk, journal, request, parameters)

    @asynccontextmanager
    async def _signed_in(self) -> AsyncIterator[AcmeClient]:
        """The CA, with the account of this provider."""
        key, settings = await self._account.key(), self._settings
        with scratch() as folder:
            client = await open_client(settings.directory_url, settings.ca_certificates_pem, key, folder)
            await self._account.sign_in(client)
            try:
                yield client
            except UnknownAccount:
                await self._account.forget_url()
                raise

    async def _through(
        self, talk: Conversation, journal: Journal, request: Request, parameters: OrderParameters
    ) -> Kept:
        url = await journal.noted(_URL)
        if url is None:
            names = _identifiers(self._tools.requesting.wanted(parameters).names)
            former = await self._tools.former(parameters.renews) if parameters.renews is not None else None
            made = await talk.new_order(names, self._settings.profile, former)
            url = await journal.note(_URL, made.encode())

        async def first() -> bool:
            mine = secrets.token_bytes(16)
            return mine == await journal.note(_TOLD, mine)

        order = await talk.validated(await talk.order(url.decode()), first)
        order = await talk.finalized(order, request.csr)
        return self._checked(await talk.chains(order), request, parameters)

    def _checked(self, chains: Sequence[str], request: Request, parameters: OrderParameters) -> Kept:
        bundle = self._tools.reader.bundle(_preferred(chains, self._settings.preferred_chain), None, None)
        return taken(bundle, request, parameters, self._tools.requesting, self._tools.clock())

    def _solver(self) -> Solver:
        tools, settings = self._tools, self._settings
        match settings.solver:
            case "http_service":
                return ServiceSolver(tools.tokens)
            case "http_webroot" if tools.webroot is not None:
                return WebrootSolver(tools.webroot)
            case "dns_hook" if tools.dns_hook:
                return HookSolver(tools.dns_hook, settings.propagation_seconds)
            case "dns_rfc2136" if settings.rfc2136 is not None and self._secrets.tsig_secret is not None:
                return Rfc2136Solver(settings.rfc2136, self._secrets.tsig_secret, settings.propagation_seconds)
        raise Refused(Code.VALIDATION_FAILED, unset(settings.solver), pointer="/settings/solver")


def unset(solver: str) -> str:
    """What to do where a solver needs the operator first."""
    name = "webroot" if solver == "http_webroot" else "dns_hook"
    return f"The solver {solver} needs acme.{name} in certferry.toml."


def _identifiers(names: Sequence[str]) -> list[messages.Identifier]:
    """DNS names, and addresses (RFC 8738)."""
    kinds = {True: messages.IDENTIFIER_IP, False: messages.IDENTIFIER_FQDN}
    return [messages.Identifier(typ=kinds[is_address(name)], value=name) for name in names]


def _preferred(chains: Sequence[str], issuer: str | None) -> str:
    """The first chain whose last certificate was issued under this common name, else the CA's own choice."""
    for chain in chains if issuer is not None else ():
        last = x509.load_pem_x509_certificates(chain.encode())[-1]
        if issuer in [name.value for name in last.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)]:
            return chain
    return chains[0]
