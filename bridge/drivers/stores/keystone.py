"""OpenStack's Keystone (Identity API v3): an application credential for a token, and where the key manager is."""

import contextlib
from collections.abc import AsyncIterator

import httpx
import msgspec

from bridge.drivers.failure import DriverFailure
from bridge.drivers.stores.http import Answer, Web, context_for, refused
from bridge.drivers.stores.reading import read_bytes, read_yaml
from bridge.protocol import FailureCause
from bridge.store_config import OpenStackCloud


class _Auth(msgspec.Struct):
    auth_url: str
    application_credential_id: str
    application_credential_secret: str

    def __repr__(self) -> str:
        """Show no secret."""
        return "_Auth()"


class _Cloud(msgspec.Struct):
    auth: _Auth
    region_name: str | None = None
    interface: str = "public"
    cacert: str | None = None


class _Clouds(msgspec.Struct):
    clouds: dict[str, _Cloud]


class _Endpoint(msgspec.Struct):
    url: str
    interface: str
    region: str | None = None


class _Service(msgspec.Struct):
    type: str
    endpoints: tuple[_Endpoint, ...] = ()


class _Token(msgspec.Struct):
    catalog: tuple[_Service, ...] = ()


class _Granted(msgspec.Struct):
    token: _Token


@contextlib.asynccontextmanager
async def key_manager(entry: OpenStackCloud) -> AsyncIterator[Web]:
    """A client of the cloud's key manager with a fresh token; its base URL ends in `/v1/`. DriverFailure."""
    known = read_yaml(entry.clouds_file, _Clouds).clouds
    if entry.cloud not in known:
        raise DriverFailure(FailureCause.UNKNOWN, f"{entry.clouds_file} has no cloud {entry.cloud!r}.")
    cloud = known[entry.cloud]
    context = context_for(None if cloud.cacert is None else read_bytes(cloud.cacert))
    async with httpx.AsyncClient(verify=context, timeout=entry.timeout_seconds, trust_env=False) as client:
        token, granted = await _token(Web(client, "Keystone"), cloud.auth)
        client.headers["X-Auth-Token"] = token
        url = entry.endpoint_url or _endpoint(granted, cloud)
        url = url.rstrip("/")
        client.base_url = httpx.URL(url if url.endswith("/v1") else f"{url}/v1")
        yield Web(client, "Barbican")


async def _token(web: Web, auth: _Auth) -> tuple[str, _Token]:
    """The token is in a header (Identity API v3, authentication with an application credential)."""
    url = auth.auth_url.rstrip("/")
    url = url if url.endswith("/v3") else f"{url}/v3"
    credential = {"id": auth.application_credential_id, "secret": auth.application_credential_secret}
    identity = {"methods": ["application_credential"], "application_credential": credential}
    answer = await web.send("POST", f"{url}/auth/tokens", json={"auth": {"identity": identity}})
    if answer.status != 201 or "x-subject-token" not in answer.headers:
        raise refused("Keystone", answer)
    return answer.headers["x-subject-token"], _granted(answer)


def _granted(answer: Answer) -> _Token:
    try:
        return msgspec.json.decode(answer.body, type=_Granted).token
    except msgspec.DecodeError:
        raise DriverFailure(FailureCause.UNKNOWN, "Keystone's answer holds no token.") from None


def _endpoint(granted: _Token, cloud: _Cloud) -> str:
    for service in granted.catalog:
        for endpoint in service.endpoints if service.type == "key-manager" else ():
            if endpoint.interface == cloud.interface and cloud.region_name in {None, endpoint.region}:
                return endpoint.url
    message = f"The cloud's catalogue has no {cloud.interface} endpoint of a key manager; set endpoint_url."
    raise DriverFailure(FailureCause.UNKNOWN, message)
