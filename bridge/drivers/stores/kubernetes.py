"""Kubernetes: Secrets of type kubernetes.io/tls by server-side apply, as the field manager `certferry`.

The API server knows of every field who applied it: what somebody else did is not overwritten (409) unless the bridge's
owner says so. What reads the Secret (an ingress, a pod) takes it by itself, so there is nothing to reload here; whether
it did is for verification to see. The API server takes any bytes as a certificate: they are checked before.
"""

import base64
import binascii
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from bridge.config import Config
from bridge.drivers.chain import normalised
from bridge.drivers.driver import Job
from bridge.drivers.failure import DriverFailure
from bridge.drivers.pair import Pair, is_same_pair
from bridge.drivers.stores.http import Answer, Web, refused
from bridge.drivers.stores.kubeconfig import api_server
from bridge.drivers.stores.opening import entry_of, settings_of
from bridge.drivers.stores.store import Entry
from bridge.protocol import FailureCause
from bridge.store_kinds import KubernetesSettings

MANAGER = "certferry"
TYPE = "kubernetes.io/tls"
_PAGE = "500"
_APPLY = {"Content-Type": "application/apply-patch+yaml"}


class Data(msgspec.Struct, frozen=True, rename={"certificate": "tls.crt", "private_key": "tls.key"}):
    """The data of a Secret of this type, in base64."""

    certificate: str = ""
    private_key: str = ""

    def __repr__(self) -> str:
        """Show no key."""
        return "Data()"


class KubernetesStore:
    """Implements `Store` for one namespace."""

    def __init__(self, web: Web, namespace: str, *, take_over: bool) -> None:
        self._web = web
        self._namespace = namespace
        self._take_over = take_over

    async def probe(self, name: str) -> str:
        """An apply of what is there already, as a dry run: permissions, conflicts and admission are asked for real."""
        now = await self.look(name)
        data = now.kept if now is not None and isinstance(now.kept, Data) else Data()
        await self._apply(name, data, force=self._take_over, dry_run=True)
        return f"The API server would take {self._namespace}/{name}."

    async def look(self, name: str) -> Entry | None:
        answer = await self._web.send("GET", self._path(name))
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise self._refused(answer)
        found = answer.json()
        if found.get("type") != TYPE:
            message = f"{self._namespace}/{name} is of type {found.get('type')}, not {TYPE}, and a type cannot change."
            raise DriverFailure(FailureCause.UNKNOWN, message)
        return self._entry(name, found)

    def holds(self, entry: Entry, pair: Pair) -> bool:
        return is_same_pair(pair, entry.chain, entry.private_key or b"")

    async def put(self, name: str, pair: Pair, before: Entry | None) -> str:  # noqa: ARG002 # the server compares
        data = Data(_base64(pair.fullchain), _base64(pair.private_key))
        await self._apply(name, data, force=self._take_over)
        return f"{self._namespace}/{name}"

    async def undo(self, name: str, before: Entry | None) -> tuple[bool | None, str]:
        now = await self.look(name)
        if now == before:
            return False, "What was there before is there still."
        if before is None:
            answer = await self._web.send("DELETE", self._path(name))
            if answer.status not in {200, 202, 404}:
                raise self._refused(answer)
            return False, f"{self._namespace}/{name} was deleted: nothing was there before it."
        assert isinstance(before.kept, Data)
        await self._apply(name, before.kept, force=True)
        return False, "Rolled back to what was there before."

    async def tidy(self, name: str) -> str:  # noqa: ARG002 # there is one Secret, and no more
        return ""

    async def entries(self) -> list[Entry]:
        found: list[dict[str, Any]] = []
        params = {"fieldSelector": f"type={TYPE}", "limit": _PAGE}
        while True:
            answer = await self._web.send("GET", self._path(), params=params)
            if answer.status != 200:
                raise self._refused(answer)
            page = answer.json()
            found.extend(page.get("items") or ())
            following = page.get("metadata", {}).get("continue")
            if not following:
                return [self._entry(each["metadata"]["name"], each) for each in found]
            params = params | {"continue": following}

    async def _apply(self, name: str, data: Data, *, force: bool, dry_run: bool = False) -> None:
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "labels": {"app.kubernetes.io/managed-by": MANAGER}},
            "type": TYPE,
            "data": msgspec.to_builtins(data),
        }
        params = {"fieldManager": MANAGER, "force": str(force).lower()} | ({"dryRun": "All"} if dry_run else {})
        answer = await self._web.send(
            "PATCH", self._path(name), params=params, headers=_APPLY, content=msgspec.json.encode(body)
        )
        if answer.status not in {200, 201}:
            raise self._refused(answer)

    def _entry(self, name: str, found: dict[str, Any]) -> Entry:
        data = msgspec.convert(found.get("data") or {}, Data)
        certificate, key = (_bytes(each) for each in (data.certificate, data.private_key))
        return Entry(
            name=name,
            reference=f"{self._namespace}/{name}",
            chain=normalised(certificate),
            private_key=key,
            kept=data,
        )

    def _refused(self, answer: Answer) -> DriverFailure:
        failure = refused(self._web.name, answer)
        if answer.status == 401:
            message = f"{self._web.name} does not know the bridge's token (401). Is it expired, or another cluster's?"
            return DriverFailure(FailureCause.PERMISSION_DENIED, message)
        if answer.status == 409:
            message = f"{failure.message} Set take_over for this cluster to overwrite what others applied."
            return DriverFailure(FailureCause.PERMISSION_DENIED, message)
        return failure

    def _path(self, name: str | None = None) -> str:
        path = f"/api/v1/namespaces/{self._namespace}/secrets"
        return path if name is None else f"{path}/{name}"


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _bytes(told: str) -> bytes:
    try:
        return base64.b64decode(told, validate=True)
    except binascii.Error:
        return b""


class Clusters:
    """Opens the clusters of the bridge's configuration."""

    def __init__(self, config: Config) -> None:
        self._config = config

    @contextlib.asynccontextmanager
    async def __call__(self, job: Job) -> AsyncIterator[tuple[KubernetesStore, str]]:
        """The store of an assignment's target, and the name that is meant without a profile. DriverFailure."""
        settings = settings_of(job, KubernetesSettings)
        cluster = entry_of(self._config.kubernetes, settings.cluster, "kubernetes")
        if cluster.namespaces and settings.namespace not in cluster.namespaces:
            message = f"Refused: the bridge's configuration does not allow the namespace {settings.namespace!r}."
            raise DriverFailure(FailureCause.PERMISSION_DENIED, message)
        async with api_server(cluster) as web:
            yield KubernetesStore(web, settings.namespace, take_over=cluster.take_over), settings.secret
