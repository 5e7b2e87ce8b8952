"""One order at the CA, step by step (RFC 8555, 7.4). Each step asks first how things stand: any may be repeated."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, cast

import requests
from acme import challenges, messages
from cryptography import x509
from josepy.json_util import field as json_field
from requests.utils import parse_header_links

from adapters.issuers.acme.client import AcmeClient, ProblemOfCa
from adapters.issuers.acme.problems import all_said, seconds_of, sentence
from adapters.issuers.acme.renewal_info import name_of, offer_of
from adapters.issuers.acme.solvers import Challenge, Solver
from application.issuing_ports import NotYet
from domain.certificate_facts import CertificateFacts
from domain.errors import Code, Refused

PATIENCE_SECONDS = 20.0
"""So long one job waits for the CA; afterwards it comes again."""
_COME_AGAIN = 5.0
_TURN_SECONDS = 2.0
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.2, 3.0
_ISSUED = (messages.STATUS_PROCESSING, messages.STATUS_VALID)
_UNDECIDED = (messages.STATUS_PENDING, messages.STATUS_PROCESSING)


class _NewOrder(messages.NewOrder):
    """With what the library does not have."""

    replaces: str | None = json_field("replaces", omitempty=True)


First = Callable[[], Awaitable[bool]]
"""Is this worker the first that comes to a step? The answer is durable."""


class CaOrder(NamedTuple):
    """An order as the CA shows it; `retry_after` in seconds."""

    url: str
    body: messages.Order
    retry_after: float | None


class Conversation:
    """The steps of one order."""

    def __init__(self, client: AcmeClient, solver: Solver, kind: str, patience: float = PATIENCE_SECONDS) -> None:
        self._client = client
        self._solver = solver
        self._kind = kind
        self._next = _SHORTEST_PAUSE
        self._end = asyncio.get_running_loop().time() + patience

    async def new_order(
        self, names: Sequence[messages.Identifier], profile: str | None, former: CertificateFacts | None = None
    ) -> str:
        """The URL of a new order. `former`: what it replaces, which the CA is told where it offers to listen (RFC 9773,
        5). One that does not know that certificate, or has it replaced already, is asked without.
        """
        replaces = name_of(former) if former is not None and offer_of(self._client) is not None else None
        wish = _NewOrder(identifiers=list(names), profile=profile or "", replaces=replaces)
        try:
            response = await self._client.post(self._client.directory["newOrder"], wish)
        except ProblemOfCa:
            if replaces is None:
                raise
            return await self.new_order(names, profile)
        return str(response.headers["Location"])

    async def order(self, url: str) -> CaOrder:
        """How the order stands."""
        response = await self._client.post(url)
        return CaOrder(url, messages.Order.from_json(response.json()), _retry_after(response))

    async def validated(self, order: CaOrder, first: First) -> CaOrder:
        """Show the CA that every name is ours; the order is ready, or further on, afterwards.

        The first of several workers tells the CA to look: told twice it would look twice, and the second time perhaps
        after the first worker has taken away what there was to see.
        """
        found = await self._authorizations(order)
        waiting = _pending(found)
        for each in waiting:
            await self._solver.present(self._challenge(each))
        if waiting:
            await self._solver.settled()
            if not await first():
                found = await self._left_to_another(order, found)
        for each in _pending(found):
            await self._answer(each)
        found = await self._decided(order, found)
        for each in found:
            if (shown := self._shown(each)) is not None:
                await self._solver.clean_up(shown)
        if any(each.body.status != messages.STATUS_VALID for each in found):
            raise _refused(found, order)
        return await self._wait(order.url, (messages.STATUS_PENDING,))

    async def finalized(self, order: CaOrder, csr: bytes) -> CaOrder:
        """Have a ready order issued. One that is beyond that is never asked for again."""
        if order.body.status == messages.STATUS_READY:
            wish = messages.CertificateRequest(csr=x509.load_der_x509_csr(csr))
            try:
                await self._client.post(order.body.finalize, wish)
            except ProblemOfCa:
                if (await self.order(order.url)).body.status not in _ISSUED:
                    raise
                # Another worker was faster.
        return await self._wait(order.url, (messages.STATUS_PROCESSING,))

    async def chains(self, order: CaOrder) -> list[str]:
        """The chain (PEM, the certificate first) that the CA prefers, and then its others (RFC 8555, 7.4.2)."""
        response = await self._client.post(str(order.body.certificate))
        links = parse_header_links(response.headers.get("Link", ""))
        others = [link["url"] for link in links if link.get("rel") == "alternate"]
        return [response.text, *[(await self._client.post(url)).text for url in others]]

    async def _authorizations(self, order: CaOrder) -> list[messages.AuthorizationResource]:
        return [await self._authorization(url) for url in order.body.authorizations]

    async def _authorization(self, url: str) -> messages.AuthorizationResource:
        response = await self._client.post(url)
        return messages.AuthorizationResource(body=messages.Authorization.from_json(response.json()), uri=url)

    async def _answer(self, authorization: messages.AuthorizationResource) -> None:
        """Tell the CA to look, once: what it looks at already is left to it."""
        offered = self._offered(authorization)
        if offered.status != messages.STATUS_PENDING:
            return
        try:
            await self._client.post(offered.uri, offered.chall.response(self._client.key))
        except ProblemOfCa:
            now = self._offered(await self._authorization(authorization.uri))
            if now.status == messages.STATUS_PENDING:
                raise
            # Another worker has told it already.

    async def _decided(
        self, order: CaOrder, found: Sequence[messages.AuthorizationResource]
    ) -> list[messages.AuthorizationResource]:
        """All authorizations, none of them undecided. Raises NotYet."""
        while any(each.body.status in _UNDECIDED for each in found):
            await self._pause("The CA is still checking the names.", None)
            found = await self._authorizations(order)
        return list(found)

    async def _left_to_another(
        self, order: CaOrder, found: list[messages.AuthorizationResource]
    ) -> list[messages.AuthorizationResource]:
        """How the authorizations stand after a while: who was first may have died before telling the CA."""
        loop = asyncio.get_running_loop()
        end = loop.time() + _TURN_SECONDS
        while _pending(found) and loop.time() < end:
            await asyncio.sleep(_SHORTEST_PAUSE)
            found = await self._authorizations(order)
        return found

    async def _wait(self, url: str, while_status: Sequence[messages.Status]) -> CaOrder:
        while (order := await self.order(url)).body.status in while_status:
            await self._pause("The CA works on the order.", order.retry_after)
        if order.body.status == messages.STATUS_INVALID:
            raise _refused(await self._authorizations(order), order)
        return order

    async def _pause(self, what: str, retry_after: float | None) -> None:
        """Wait a little, here or (as NotYet) in the queue."""
        seconds = retry_after or self._next
        self._next = min(2 * self._next, _LONGEST_PAUSE)
        if asyncio.get_running_loop().time() + seconds > self._end:
            raise NotYet(what, max(retry_after or 0.0, _COME_AGAIN))
        await asyncio.sleep(seconds)

    def _challenge(self, authorization: messages.AuthorizationResource) -> Challenge:
        shown = self._shown(authorization)
        if shown is None:
            name = authorization.body.identifier.value
            offers = ", ".join(sorted({each.chall.typ for each in _challenges(authorization) if each.chall.typ}))
            sentence = f"The CA offers no {self._kind} challenge for {name}, only {offers or 'others'}."
            raise Refused(Code.VALIDATION_FAILED, sentence)
        return shown

    def _shown(self, authorization: messages.AuthorizationResource) -> Challenge | None:
        """What a solver shows for this authorization, None where the CA offers no challenge of our kind."""
        for each in _challenges(authorization):
            if each.chall.typ == self._kind:
                return _as_shown(each.chall, authorization.body.identifier.value, self._client)
        return None

    def _offered(self, authorization: messages.AuthorizationResource) -> messages.ChallengeBody:
        return next(each for each in _challenges(authorization) if each.chall.typ == self._kind)


def _as_shown(offered: object, name: str, client: AcmeClient) -> Challenge:
    assert isinstance(offered, challenges.HTTP01 | challenges.DNS01)
    if isinstance(offered, challenges.HTTP01):
        return Challenge(name, offered.encode("token"), offered.validation(client.key))
    return Challenge(offered.validation_domain_name(name), offered.encode("token"), offered.validation(client.key))


def _refused(found: Sequence[messages.AuthorizationResource], order: CaOrder) -> Refused:
    """Why an order is invalid: what the CA said of each name, and of the order."""
    wrong = [
        f"{each.body.identifier.value}: {all_said([challenge.error])}"
        for each in found
        for challenge in _challenges(each)
        if challenge.error is not None
    ]
    if order.body.error is not None:
        wrong.append(sentence(order.body.error))
    said = "; ".join(wrong) or "it gave no reason (the order may have expired)"
    return Refused(Code.VALIDATION_FAILED, f"The CA did not issue: {said}")


def _pending(found: Sequence[messages.AuthorizationResource]) -> list[messages.AuthorizationResource]:
    return [each for each in found if each.body.status == messages.STATUS_PENDING]


def _challenges(authorization: messages.AuthorizationResource) -> tuple[messages.ChallengeBody, ...]:
    """What the CA offers; the library's own type says less than it has."""
    return cast("tuple[messages.ChallengeBody, ...]", authorization.body.challenges)


def _retry_after(response: requests.Response) -> float | None:
    return seconds_of(response.headers.get("Retry-After"), datetime.now(UTC))
