"""A kubeconfig file: the server of a context, its CA, and a bearer token.

Client certificates and login programs (`exec`) are refused: give the bridge a service account of its own.
"""

import base64
import binascii
import contextlib
from collections.abc import AsyncIterator

import httpx
import msgspec

from bridge.drivers.failure import DriverFailure
from bridge.drivers.stores.http import Web, context_for
from bridge.drivers.stores.reading import read_bytes, read_yaml
from bridge.protocol import FailureCause
from bridge.store_config import KubernetesCluster


class _Cluster(msgspec.Struct, rename="kebab"):
    server: str
    certificate_authority: str | None = None
    certificate_authority_data: str | None = None
    insecure_skip_tls_verify: bool = False


class _User(msgspec.Struct):
    token: str | None = None
    token_file: str | None = msgspec.field(default=None, name="tokenFile")

    def __repr__(self) -> str:
        """Show no token."""
        return "_User()"


class _Context(msgspec.Struct):
    cluster: str
    user: str


class _NamedCluster(msgspec.Struct):
    name: str
    cluster: _Cluster


class _NamedUser(msgspec.Struct):
    name: str
    user: _User


class _NamedContext(msgspec.Struct):
    name: str
    context: _Context


class _Kubeconfig(msgspec.Struct):
    clusters: tuple[_NamedCluster, ...]
    users: tuple[_NamedUser, ...]
    contexts: tuple[_NamedContext, ...]
    current_context: str = msgspec.field(default="", name="current-context")


@contextlib.asynccontextmanager
async def api_server(entry: KubernetesCluster) -> AsyncIterator[Web]:
    """A client of the API server that a context names. DriverFailure."""
    cluster, user = _chosen(entry)
    if cluster.insecure_skip_tls_verify or not cluster.server.startswith("https://"):
        message = f"{entry.kubeconfig} would have the token sent to a server that nobody checked."
        raise DriverFailure(FailureCause.UNKNOWN, message)
    async with httpx.AsyncClient(
        base_url=cluster.server,
        verify=context_for(_ca(entry, cluster)),
        headers={"Authorization": f"Bearer {_token(entry, user)}", "Accept": "application/json"},
        timeout=entry.timeout_seconds,
        trust_env=False,
    ) as client:
        yield Web(client, "The API server")


def _chosen(entry: KubernetesCluster) -> tuple[_Cluster, _User]:
    told = read_yaml(entry.kubeconfig, _Kubeconfig)
    wanted = entry.context or told.current_context
    for named in told.contexts:
        clusters = [each.cluster for each in told.clusters if each.name == named.context.cluster]
        users = [each.user for each in told.users if each.name == named.context.user]
        if named.name == wanted and clusters and users:
            return clusters[0], users[0]
    message = f"{entry.kubeconfig} has no context {wanted!r} with a cluster and a user."
    raise DriverFailure(FailureCause.UNKNOWN, message)


def _ca(entry: KubernetesCluster, cluster: _Cluster) -> bytes | None:
    if cluster.certificate_authority_data is not None:
        try:
            return base64.b64decode(cluster.certificate_authority_data, validate=True)
        except binascii.Error:
            message = f"{entry.kubeconfig}: certificate-authority-data is no base64."
            raise DriverFailure(FailureCause.UNKNOWN, message) from None
    return None if cluster.certificate_authority is None else read_bytes(cluster.certificate_authority)


def _token(entry: KubernetesCluster, user: _User) -> str:
    """Read for each assignment, since tokens of service accounts are renewed in their files."""
    token = user.token
    if user.token_file is not None:
        token = read_bytes(user.token_file).decode("ascii", "replace").strip()
    if not token or not token.isascii() or not token.isprintable():
        message = f"{entry.kubeconfig} has no bearer token: give the bridge a service account of its own."
        raise DriverFailure(FailureCause.PERMISSION_DENIED, message)
    return token
