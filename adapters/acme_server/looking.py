"""Looking whether challenges are met, once; whether CAA records let us issue (RFC 8555, 8; RFC 8659)."""

import asyncio
import base64
import hashlib
from uuid import UUID

import dns.exception
import dns.resolver
import msgspec

from adapters.acme_server.caa import Caa, forbidden
from adapters.acme_server.http01 import Http01
from adapters.acme_server.names import NameServers
from application.acme_ports import Patience
from bridge.probing.policy import AddressPolicy
from bridge.probing.resolving import system_resolver
from domain.acme_order import Answered, Authorization, ChallengeFlaw, ChallengeType

CAA_SECONDS = 10.0


class LookSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`http_port`: where web servers listen. `caa`: who we are in CAA records, None: they are not asked."""

    http_port: int = 80
    patience: Patience = Patience()
    caa: Caa | None = None


class Looker:
    """`application.acme_ports.ChallengeLooker`."""

    def __init__(
        self, policy: AddressPolicy, servers: tuple[str, ...] = (), settings: LookSettings = LookSettings()
    ) -> None:
        self._names = NameServers(servers)
        self._resolve = self._names.addresses if servers else system_resolver()
        self._policy = policy
        self._settings = settings

    @property
    def patience(self) -> Patience:
        """See ChallengeLooker.patience."""
        return self._settings.patience

    async def look(self, account_id: UUID, found: Authorization) -> ChallengeFlaw | None:
        """See ChallengeLooker.look."""
        if found.answered is None:
            return ChallengeFlaw("malformed", "The challenge was not answered.")
        flaw = await self._met(found.identifier, found.token, found.answered)
        return flaw if flaw is not None else await self._forbidden(account_id, found)

    async def _met(self, name: str, token: str, answered: Answered) -> ChallengeFlaw | None:
        if answered.challenge is ChallengeType.DNS_01:
            return await look_up(self._names, name, answered.key_authorization)
        async with Http01(self._policy, self._resolve, self._settings.http_port) as web:
            return await web.look(name, token, answered.key_authorization)

    async def _forbidden(self, account_id: UUID, found: Authorization) -> ChallengeFlaw | None:
        if self._settings.caa is None:
            return None
        try:
            async with asyncio.timeout(CAA_SECONDS):
                return await forbidden(self._names, self._settings.caa, found, account_id)
        except TimeoutError:
            sentence = f"The CAA records of {found.identifier} could not be looked up within {CAA_SECONDS:g} seconds."
            return ChallengeFlaw("caa", sentence)


async def look_up(names: NameServers, name: str, key_authorization: str) -> ChallengeFlaw | None:
    """dns-01 (RFC 8555, 8.4): one TXT value at `_acme-challenge.<name>` is the digest of the key authorization."""
    where = f"_acme-challenge.{name}"
    digest = hashlib.sha256(key_authorization.encode()).digest()
    wanted = base64.urlsafe_b64encode(digest).rstrip(b"=")
    try:
        found = await names.texts(where)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return ChallengeFlaw("unauthorized", f"There is no TXT record at {where}.")
    except (dns.exception.DNSException, OSError, EOFError, UnicodeError, ValueError) as error:
        return ChallengeFlaw("dns", f"The TXT record at {where} could not be looked up ({type(error).__name__}).")
    if wanted in found:
        return None
    return ChallengeFlaw("unauthorized", f"None of the {len(found)} TXT records at {where} is the right one.")
