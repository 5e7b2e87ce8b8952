"""dns-01: TXT records by signed dynamic updates (RFC 2136, RFC 8945), or by a program of the operator's."""

import asyncio
import logging
from collections.abc import Sequence

import dns.asyncquery
import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.tsig
import dns.tsigkeyring
import dns.update

from adapters.issuers.acme.settings import Rfc2136
from adapters.issuers.acme.solvers import Challenge
from domain.errors import Code, Refused
from domain.texts import verbatim

TIMEOUT_SECONDS = 10.0
HOOK_SECONDS = 120.0
_log = logging.getLogger(__name__)


class CannotUpdate(Exception):
    """The name server, or the program, did not do it."""


class Rfc2136Solver:
    """Adds and deletes exactly its own TXT values: several orders may stand beside each other at one name."""

    def __init__(self, settings: Rfc2136, secret: str, propagation: float) -> None:
        self._settings = settings
        self._propagation = propagation
        algorithm = dns.name.from_text(settings.key_algorithm)
        self._keyring = dns.tsigkeyring.from_text({settings.key_name: (algorithm, _padded(secret))})

    async def present(self, challenge: Challenge) -> None:
        """See Solver.present."""
        update = await self._update(challenge)
        update.add(dns.name.from_text(challenge.name), self._settings.ttl, dns.rdatatype.TXT, f'"{challenge.value}"')
        await self._send(update)

    async def settled(self) -> None:
        """Until the other name servers of the zone have it too."""
        await asyncio.sleep(self._propagation)

    async def clean_up(self, challenge: Challenge) -> None:
        """See Solver.clean_up."""
        try:
            update = await self._update(challenge)
            update.delete(dns.name.from_text(challenge.name), dns.rdatatype.TXT, f'"{challenge.value}"')
            await self._send(update)
        except (CannotUpdate, Refused) as error:
            _log.warning("a TXT record at %s could not be taken away: %s", challenge.name, error)

    async def _update(self, challenge: Challenge) -> dns.update.UpdateMessage:
        zone = self._settings.zone or await self._zone_of(challenge.name)
        return dns.update.UpdateMessage(zone, keyring=self._keyring, keyalgorithm=self._settings.key_algorithm)

    async def _zone_of(self, name: str) -> dns.name.Name:
        """The zone of a name, as the server itself says: the nearest name above with an SOA record."""
        wanted = dns.name.from_text(name)
        while wanted != dns.name.root:
            answer = await self._ask(dns.message.make_query(wanted, dns.rdatatype.SOA))
            if any(found.rdtype == dns.rdatatype.SOA and found.name == wanted for found in answer.answer):
                return wanted
            wanted = wanted.parent()
        raise Refused(Code.VALIDATION_FAILED, f"The name server {self._settings.server} has no zone for {name}.")

    async def _send(self, update: dns.update.UpdateMessage) -> None:
        answer = await self._ask(update)
        code = answer.rcode()
        if code in (dns.rcode.REFUSED, dns.rcode.NOTAUTH, dns.rcode.NOTZONE):
            sentence = f"The name server {self._settings.server} refuses updates: {dns.rcode.to_text(code)}."
            raise Refused(Code.VALIDATION_FAILED, sentence)
        if code != dns.rcode.NOERROR:
            raise CannotUpdate(f"the name server answers {dns.rcode.to_text(code)}")

    async def _ask(self, message: dns.message.Message) -> dns.message.Message:
        where, port = self._settings.server, self._settings.port
        try:
            return await dns.asyncquery.tcp(message, where, timeout=TIMEOUT_SECONDS, port=port)
        except dns.tsig.PeerError as error:
            sentence = f"The name server {where} does not accept the TSIG key: {type(error).__name__}."
            raise Refused(Code.VALIDATION_FAILED, sentence) from None
        except (dns.exception.DNSException, OSError, EOFError) as error:
            raise CannotUpdate(f"the name server does not answer ({type(error).__name__})") from error


class HookSolver:
    """A program that is called with `present` or `clean_up`, the name of the record and its value; 0 means done."""

    def __init__(self, command: Sequence[str], propagation: float) -> None:
        self._command = command
        self._propagation = propagation

    async def present(self, challenge: Challenge) -> None:
        """See Solver.present."""
        await self._run("present", challenge)

    async def settled(self) -> None:
        """As long as records take, says the operator."""
        await asyncio.sleep(self._propagation)

    async def clean_up(self, challenge: Challenge) -> None:
        """See Solver.clean_up."""
        try:
            await self._run("clean_up", challenge)
        except (CannotUpdate, Refused) as error:
            _log.warning("a TXT record at %s could not be taken away: %s", challenge.name, error)

    async def _run(self, verb: str, challenge: Challenge) -> None:
        pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        arguments = (*self._command, verb, challenge.name, challenge.value)
        try:
            process = await asyncio.create_subprocess_exec(*arguments, stdin=null, stdout=null, stderr=pipe)
        except OSError as error:
            raise CannotUpdate(f"the DNS hook cannot be started ({type(error).__name__})") from error
        try:
            async with asyncio.timeout(HOOK_SECONDS):
                _, said = await process.communicate()
        except BaseException:
            process.kill()
            await process.wait()
            raise
        if process.returncode != 0:
            words = verbatim(said.decode(errors="replace").strip(), 500)
            sentence = f"The DNS hook ended with {process.returncode} at {challenge.name}: {words or 'it said nothing'}"
            raise Refused(Code.VALIDATION_FAILED, sentence)


def _padded(secret: str) -> str:
    plain = secret.translate(str.maketrans("-_", "+/")).rstrip("=")
    return plain + "=" * (-len(plain) % 4)
