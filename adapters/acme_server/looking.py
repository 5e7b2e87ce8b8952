"""Looking whether challenges are met: some attempts, since records and web servers take their time."""

import asyncio
import base64
import hashlib

import dns.exception
import dns.resolver
import msgspec

from adapters.acme_server.http01 import Http01
from adapters.acme_server.names import NameServers
from adapters.probing.policy import AddressPolicy
from adapters.probing.resolving import system_resolver
from domain.acme_order import Answered, ChallengeFlaw, ChallengeType


class LookSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`http_port`: where web servers listen. `pause`: seconds before each attempt but the first."""

    http_port: int = 80
    attempts: int = 3
    pause: float = 2.0


class Looker:
    """`application.acme_ports.ChallengeLooker`."""

    def __init__(
        self, policy: AddressPolicy, servers: tuple[str, ...] = (), settings: LookSettings = LookSettings()
    ) -> None:
        self._names = NameServers(servers)
        self._resolve = self._names.addresses if servers else system_resolver()
        self._policy = policy
        self._settings = settings

    async def look(self, name: str, token: str, answered: Answered) -> ChallengeFlaw | None:
        """See ChallengeLooker.look."""
        flaw = await self._once(name, token, answered)
        for _ in range(self._settings.attempts - 1):
            if flaw is None:
                break
            await asyncio.sleep(self._settings.pause)
            flaw = await self._once(name, token, answered)
        return flaw

    async def _once(self, name: str, token: str, answered: Answered) -> ChallengeFlaw | None:
        if answered.challenge is ChallengeType.DNS_01:
            return await look_up(self._names, name, answered.key_authorization)
        async with Http01(self._policy, self._resolve, self._settings.http_port) as web:
            return await web.look(name, token, answered.key_authorization)


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
