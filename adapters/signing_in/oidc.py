"""A provider of OpenID Connect says who somebody is: authorization code flow with PKCE (OpenID Connect Core 1.0, 3.1;
RFC 7636).

What it publishes about itself is read when it is first needed, its keys again when a signature names one that is not
known. The libraries are loaded then, too.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import msgspec

from application.signing_in_ports import Claimed, NotProven
from domain.role_grant import Role

if TYPE_CHECKING:
    import httpx

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
"""Signatures by a key of the provider's; `none` and those by a shared secret are not among them."""
TIMEOUT = 10.0
LEEWAY = 60
"""Seconds by which the provider's clock may be ahead or behind."""
KEYS_EVERY = 10.0
"""Seconds before keys are read again because of a signature that names none of them."""


class OidcSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What operators choose. `roles`: what values of the claim `roles_claim` stand for, where there is one."""

    issuer: str
    client_id: str
    client_secret: str = ""
    label: str = "your organisation"
    name_claim: str = "preferred_username"
    roles_claim: str = ""
    roles: Mapping[str, tuple[Role, ...]] = {}
    scopes: tuple[str, ...] = ("openid", "profile")
    ca_file: str = ""

    def __repr__(self) -> str:
        return f"OidcSettings({self.issuer!r})"


class Oidc:
    """`application.signing_in_ports.IdentityProvider`."""

    def __init__(self, settings: OidcSettings, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._now = now
        self._metadata: dict[str, Any] | None = None
        self._keys: Any = None
        self._keys_at = float("-inf")

    @property
    def label(self) -> str:
        """See IdentityProvider.label."""
        return self._settings.label

    async def begin(self, redirect_uri: str, state: str, nonce: str, challenge: str) -> str:
        """See IdentityProvider.begin."""
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(self._settings.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        endpoint = await self._endpoint("authorization_endpoint")
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(asked)}"

    async def finish(self, code: str, redirect_uri: str, verifier: str, nonce: str) -> Claimed:
        """See IdentityProvider.finish."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        form |= {"code_verifier": verifier, "client_id": self._settings.client_id}
        secret = self._settings.client_secret
        basic = (self._settings.client_id, secret) if secret else None
        answer = await self._ask("POST", await self._endpoint("token_endpoint"), data=form, auth=basic)
        id_token = answer.get("id_token")
        if not isinstance(id_token, str):
            raise NotProven("The provider sent no ID token.")
        return self._claimed(await self.check(id_token, nonce))

    async def check(self, id_token: str, nonce: str) -> dict[str, Any]:
        """The claims of an ID token that holds here and now (OpenID Connect Core 1.0, 3.1.3.7). Raises NotProven."""
        from joserfc import jwt
        from joserfc.errors import InvalidKeyIdError, JoseError

        try:
            try:
                token = jwt.decode(id_token, await self._known_keys(), algorithms=ALGORITHMS)
            except InvalidKeyIdError:
                token = jwt.decode(id_token, await self._known_keys(again=True), algorithms=ALGORITHMS)
            wanted: dict[str, Any] = {
                "iss": {"essential": True, "value": self._settings.issuer},
                "aud": {"essential": True, "value": self._settings.client_id},
                "nonce": {"essential": True, "value": nonce},
                "exp": {"essential": True},
                "iat": {"essential": True},
                "sub": {"essential": True},
            }
            now = int(self._now().timestamp())
            jwt.JWTClaimsRegistry(now=now, leeway=LEEWAY, **wanted).validate(token.claims)
        except (JoseError, ValueError) as error:
            raise NotProven(f"The provider's ID token does not hold ({type(error).__name__}).") from None
        claims = dict(token.claims)
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if several and claims.get("azp") != self._settings.client_id:
            raise NotProven("The provider's ID token is for somebody else.")
        return claims

    def _claimed(self, claims: Mapping[str, Any]) -> Claimed:
        chosen = self._settings
        name = claims.get(chosen.name_claim)
        if not isinstance(name, str) or not name:
            raise NotProven(f"The provider did not say {chosen.name_claim}.")
        if chosen.name_claim == "email" and claims.get("email_verified") is not True:
            raise NotProven("The provider has not verified the address.")
        identity = f"{claims['iss']} {claims['sub']}"
        if not chosen.roles_claim:
            return Claimed(name, None, identity)
        said = claims.get(chosen.roles_claim)
        values = [said] if isinstance(said, str) else said if isinstance(said, list) else []
        roles = {role for value in values if isinstance(value, str) for role in chosen.roles.get(value, ())}
        return Claimed(name, tuple(sorted(roles)), identity)

    async def _endpoint(self, name: str) -> str:
        metadata = self._metadata
        if metadata is None:
            url = f"{self._settings.issuer.rstrip('/')}/.well-known/openid-configuration"
            metadata = await self._ask("GET", url)
            if metadata.get("issuer") != self._settings.issuer:
                raise NotProven("The provider calls itself by another name than oidc.issuer.")
            self._metadata = metadata
        found = metadata.get(name)
        if not isinstance(found, str) or not trustworthy(found):
            raise NotProven(f"The provider does not say a usable {name}.")
        return found

    async def _known_keys(self, *, again: bool = False) -> Any:
        from joserfc.jwk import KeySet

        clock = asyncio.get_running_loop().time()
        if self._keys is None or (again and clock - self._keys_at > KEYS_EVERY):
            self._keys = KeySet.import_key_set(await self._ask("GET", await self._endpoint("jwks_uri")))  # type: ignore[arg-type] # checked there
            self._keys_at = clock
        return self._keys

    async def _ask(self, method: str, url: str, **what: Any) -> dict[str, Any]:
        import httpx

        try:
            async with self._client() as client:
                answer = await client.request(method, url, headers={"Accept": "application/json"}, **what)
            found = answer.json()
        except (httpx.HTTPError, OSError, ValueError) as error:
            raise NotProven(f"The provider cannot be asked ({type(error).__name__}).") from None
        if answer.status_code != 200 or not isinstance(found, dict):
            raise NotProven(f"The provider refused (status {answer.status_code}).")
        return found

    def _client(self) -> "httpx.AsyncClient":
        import ssl

        import httpx

        trusted = ssl.create_default_context()
        if self._settings.ca_file:
            trusted.load_verify_locations(self._settings.ca_file)
        return httpx.AsyncClient(verify=trusted, timeout=TIMEOUT, trust_env=False)


def trustworthy(url: str) -> bool:
    """Is it https, or on this host?"""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost"))
