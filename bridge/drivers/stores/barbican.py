"""OpenStack Barbican (Key Manager API v1): containers of type `certificate`, as Octavia reads them.

Neither containers nor secrets can be changed once they have content. A push makes three secrets and a container of the
target's name; the newest container of a name is the one in use, and those before it stay as the way back. Old ones are
removed, but none that somebody has registered with as a consumer.
"""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from bridge.config import Config
from bridge.drivers.chain import normalised, split
from bridge.drivers.driver import Job
from bridge.drivers.failure import DriverFailure
from bridge.drivers.pair import Pair, is_same_pair
from bridge.drivers.stores.http import Web, refused
from bridge.drivers.stores.keystone import key_manager
from bridge.drivers.stores.opening import entry_of, settings_of
from bridge.drivers.stores.store import Entry
from bridge.protocol import FailureCause
from bridge.store_kinds import BarbicanSettings

_PAGE = 100
_ROLES = {"certificate": "certificate", "private_key": "private", "intermediates": "certificate"}
"""The secrets of a container of type `certificate`, and the type of each."""


class _Ref(msgspec.Struct, frozen=True):
    name: str
    secret_ref: str


class Container(msgspec.Struct, frozen=True):
    """One of Barbican's, as it lists them."""

    container_ref: str
    created: str
    type: str
    name: str | None = None
    secret_refs: tuple[_Ref, ...] = ()
    consumers: tuple[Any, ...] = ()

    @property
    def secrets(self) -> dict[str, str]:
        """Ids of its secrets by what they are."""
        return {ref.name: _id(ref.secret_ref) for ref in self.secret_refs}


class BarbicanStore:
    """Implements `Store`, for one assignment."""

    def __init__(self, web: Web, keep: int) -> None:
        self._web = web
        self._keep = keep
        self._made: list[str] = []

    async def probe(self, name: str) -> str:
        """Makes a secret without content and removes it, so that the right to write is known."""
        secret = await self._create({"name": _label(name, "probe"), "secret_type": "opaque"})
        await self._remove("secrets", secret)
        return "Barbican takes secrets."

    async def look(self, name: str) -> Entry | None:
        own = await self._own(name)
        return await self._entry(own[0], with_key=True) if own else None

    def holds(self, entry: Entry, pair: Pair) -> bool:
        return is_same_pair(pair, entry.chain, entry.private_key or b"")

    async def put(self, name: str, pair: Pair, before: Entry | None) -> str:  # noqa: ARG002 # the one before stays
        leaf, above = split(pair.fullchain)
        contents = {"certificate": leaf, "private_key": pair.private_key, "intermediates": above}
        refs = []
        for role, content in contents.items():
            if content:
                secret = await self._create(_secret(name, role, content))
                refs.append({"name": role, "secret_ref": str(self._web.url(f"secrets/{secret}"))})
        made = await self._web.ask(
            "POST", "containers", json={"type": "certificate", "name": name, "secret_refs": refs}
        )
        return str(made["container_ref"])

    async def undo(self, name: str, before: Entry | None) -> tuple[bool | None, str]:  # noqa: ARG002 # it was never gone
        for container in await self._own(name):
            if set(container.secrets.values()) & set(self._made):
                await self._remove("containers", _id(container.container_ref))
        for secret in self._made:
            await self._remove("secrets", secret)
        return False, "What was made was removed; what was there before is there still."

    async def tidy(self, name: str) -> str:
        own = await self._own(name)
        old = [container for container in own[self._keep :] if not container.consumers]
        for container in old:
            await self._remove("containers", _id(container.container_ref))
        left = await self._left_over(name, [container for container in own if container not in old])
        for secret in left:
            await self._remove("secrets", secret)
        return f"{len(old)} old containers removed."

    async def entries(self) -> list[Entry]:
        newest: dict[str, Container] = {}
        for container in await self._listed():
            newest.setdefault(container.name or container.container_ref, container)
        found = [await self._entry(container, with_key=False) for container in newest.values()]
        return [entry for entry in found if entry is not None]

    async def _own(self, name: str) -> list[Container]:
        """Containers of this name, the newest first."""
        return [container for container in await self._listed() if container.name == name]

    async def _listed(self) -> list[Container]:
        """All certificate containers, the newest first: asked without a name, since Barbican reads one as a pattern."""
        found = [
            msgspec.convert(each, Container)
            for each in await self._paged("containers", {"type": "certificate"})
            if each.get("type") == "certificate"
        ]
        return sorted(found, key=lambda container: container.created, reverse=True)

    async def _paged(self, what: str, given: dict[str, str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            params = {**given, "limit": str(_PAGE), "offset": str(len(found))}
            page = (await self._web.ask("GET", what, params=params) or {}).get(what, [])
            found.extend(page)
            if len(page) < _PAGE:
                return found

    async def _entry(self, container: Container, *, with_key: bool) -> Entry | None:
        secrets = container.secrets
        parts = [await self._payload(secrets[role]) for role in ("certificate", "intermediates") if role in secrets]
        chain = normalised(b"".join(part.strip() + b"\n" for part in parts))
        if not chain:
            return None
        key = await self._payload(secrets["private_key"]) if with_key and "private_key" in secrets else None
        name = container.name or container.container_ref
        return Entry(name=name, reference=container.container_ref, chain=chain, private_key=key)

    async def _payload(self, secret: str) -> bytes:
        answer = await self._web.send("GET", f"secrets/{secret}/payload", headers={"Accept": "text/plain"})
        if answer.status in {404, 406}:
            return b""  # removed by hand, or no text
        if answer.status != 200:
            raise refused(self._web.name, answer)
        return answer.body

    async def _create(self, secret: dict[str, str]) -> str:
        made = await self._web.ask("POST", "secrets", json=secret)
        self._made.append(_id(made["secret_ref"]))
        return self._made[-1]

    async def _remove(self, what: str, number: str) -> None:
        answer = await self._web.send("DELETE", f"{what}/{number}")
        if answer.status not in {204, 404}:
            raise refused(self._web.name, answer)

    async def _left_over(self, name: str, kept: list[Container]) -> list[str]:
        """Secrets of ours that are in no container any more, or never came into one because of a crash."""
        used = {secret for container in kept for secret in container.secrets.values()}
        found: list[str] = []
        for role in _ROLES:
            label = _label(name, role)
            listed = await self._paged("secrets", {"name": label})
            found += [_id(each["secret_ref"]) for each in listed if each.get("name") == label]
        return [secret for secret in found if secret not in used]


def _label(name: str, role: str) -> str:
    return f"{name} ({role}, certferry)"


def _secret(name: str, role: str, content: bytes) -> dict[str, str]:
    return {
        "name": _label(name, role),
        "secret_type": _ROLES[role],
        "payload": content.decode("ascii"),
        "payload_content_type": "text/plain",
    }


def _id(ref: str) -> str:
    """The last part of a reference alone is used: where the key manager is, the bridge's owner says."""
    number = ref.rstrip("/").rsplit("/", 1)[-1]
    if not number.replace("-", "").isalnum():
        raise DriverFailure(FailureCause.UNKNOWN, f"Barbican names {ref!r}, which is no reference.")
    return number


class Clouds:
    """Opens the clouds of the bridge's configuration."""

    def __init__(self, config: Config) -> None:
        self._config = config

    @contextlib.asynccontextmanager
    async def __call__(self, job: Job) -> AsyncIterator[tuple[BarbicanStore, str]]:
        """The store of an assignment's target, and the name that is meant without a profile. DriverFailure."""
        settings = settings_of(job, BarbicanSettings)
        async with key_manager(entry_of(self._config.openstack, settings.cloud, "openstack")) as web:
            yield BarbicanStore(web, self._config.keep_releases), settings.container
