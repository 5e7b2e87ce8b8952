"""A real kube-apiserver over a real etcd, with roles, and an administrator who looks at its Secrets."""

import base64
import contextlib
import json
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bridge.config import Config
from bridge.store_config import KubernetesCluster
from tests.bridge.deploying import AUTHORITY
from tests.bridge.pki import Authority, Issued
from tests.support.components import require
from tests.support.services.base import free_port
from tests.support.stores import apiserver
from tests.support.stores.base import Held, StoreServer, running

NAMESPACE, OTHER = "shop", "elsewhere"
TOKENS = {"admin": "token-of-admin", "bridge": "token-of-bridge", "reader": "token-of-reader"}
_VERBS = {"bridge": ["get", "list", "create", "patch", "delete"], "reader": ["get", "list"]}
_RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces/shop"


class Kubernetes(StoreServer):
    """A cluster without nodes: what reads Secrets is not there."""

    kind = "kubernetes"

    def __init__(self, url: str, ca_pem: str, directory: Path) -> None:
        self.url, self._ca_pem, self._directory = url, ca_pem, directory
        self.hidden = tuple(TOKENS.values())
        self.admin = httpx.Client(
            base_url=url,
            verify=ssl.create_default_context(cadata=ca_pem),
            headers={"Authorization": f"Bearer {TOKENS['admin']}"},
            timeout=60,
        )

    def prepare(self) -> None:
        """Two namespaces, and roles in one of them."""
        for namespace in (NAMESPACE, OTHER):
            self._create("/api/v1/namespaces", {"metadata": {"name": namespace}})
        for user, verbs in _VERBS.items():
            rules = [{"apiGroups": [""], "resources": ["secrets"], "verbs": verbs}]
            self._create(f"{_RBAC}/roles", {"metadata": {"name": user}, "rules": rules})
            role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": user}
            subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}
            binding = {"metadata": {"name": user}, "roleRef": role, "subjects": [subject]}
            self._create(f"{_RBAC}/rolebindings", binding)

    def settings(self, name: str) -> dict[str, Any]:
        return {"cluster": "main", "namespace": NAMESPACE, "secret": name}

    def config(self, **changes: Any) -> Config:
        told: dict[str, Any] = {"kubeconfig": str(self.kubeconfig("bridge", TOKENS["bridge"])), "timeout_seconds": 120}
        return Config(kubernetes={"main": KubernetesCluster(**(told | changes))})

    def kubeconfig(self, name: str, token: str, **changes: Any) -> Path:
        """A file as `kubectl config` writes it, in JSON, which is YAML too."""
        data = base64.b64encode(self._ca_pem.encode()).decode()
        cluster = {"server": self.url, "certificate-authority-data": data} | changes
        told = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": {"token": token}}],
            "contexts": [{"name": "main", "context": {"cluster": "c", "user": "u", "namespace": NAMESPACE}}],
            "current-context": "main",
        }
        path = self._directory / f"kubeconfig-{name}"
        path.write_text(json.dumps(told))
        return path

    def secret(self, name: str) -> dict[str, Any] | None:
        answer = self.admin.get(f"/api/v1/namespaces/{NAMESPACE}/secrets/{name}")
        assert answer.status_code in {200, 404}, answer.text
        return None if answer.status_code == 404 else answer.json()

    def held(self, name: str) -> Held | None:
        found = self.secret(name)
        if found is None:
            return None
        chain, key = (base64.b64decode(found["data"][part]).decode() for part in ("tls.crt", "tls.key"))
        return Held(f"{NAMESPACE}/{name}", chain, key)

    def everything(self) -> object:
        """Every object's version, which changes with any write."""
        listed = self.admin.get("/api/v1/secrets").json()["items"]
        return sorted((each["metadata"]["name"], each["metadata"]["resourceVersion"]) for each in listed)

    def spoil(self, name: str) -> None:
        """Somebody with kubectl writes another certificate over it."""
        answer = self.admin.patch(
            f"/api/v1/namespaces/{NAMESPACE}/secrets/{name}",
            params={"fieldManager": "kubectl-edit"},
            headers={"Content-Type": "application/merge-patch+json"},
            json={"data": _data(AUTHORITY.server("by-hand.example"))},
        )
        assert answer.status_code == 200, answer.text

    def by_hand(self, name: str, issued: Issued, kind: str = "kubernetes.io/tls") -> None:
        """Somebody with kubectl makes a Secret."""
        body = {"metadata": {"name": name}, "type": kind, "data": _data(issued)}
        self._create(f"/api/v1/namespaces/{NAMESPACE}/secrets?fieldManager=kubectl-create", body)

    def _create(self, path: str, body: dict[str, Any]) -> None:
        answer = self.admin.post(path, json=body)
        assert answer.status_code == 201, answer.text


def _data(issued: Issued) -> dict[str, str]:
    parts = {"tls.crt": issued.fullchain_pem, "tls.key": issued.key_pem}
    return {name: base64.b64encode(content.encode()).decode() for name, content in parts.items()}


@contextlib.contextmanager
def running_kubernetes() -> Iterator[Kubernetes]:
    """A cluster with two namespaces; its API server is built when that was not done before."""
    etcd = require("etcd", *apiserver.NEEDS)
    program = apiserver.built()
    if program is None:
        pytest.fail(
            f"kube-apiserver was not built:\n{apiserver.LOG.read_text(errors='replace')[-3000:]}", pytrace=False
        )
    with tempfile.TemporaryDirectory(prefix="certferry-kubernetes-") as name, contextlib.ExitStack() as stack:
        directory, port = Path(name), free_port()
        authority = Authority.create("Cluster CA")
        cluster = Kubernetes(f"https://127.0.0.1:{port}", authority.root.pem, directory)
        stack.callback(cluster.admin.close)
        store = f"http://127.0.0.1:{free_port()}"
        argv = [str(etcd), *_etcd(directory, store, f"http://127.0.0.1:{free_port()}")]
        stack.enter_context(running(argv, directory / "etcd.log", lambda: _is_healthy(store), {"HOME": name}))
        argv = [str(program), *_api_server(directory, store, port, authority)]
        stack.enter_context(running(argv, directory / "api.log", lambda: _is_ready(cluster), {"HOME": name}))
        cluster.prepare()
        yield cluster


def _etcd(directory: Path, url: str, peer: str) -> list[str]:
    return [
        "--unsafe-no-fsync",
        f"--data-dir={directory}/etcd",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
    ]


def _api_server(directory: Path, store: str, port: int, authority: Authority) -> list[str]:
    chain, key = authority.server().write(directory, "server")
    signing = ec.generate_private_key(ec.SECP256R1())
    encoded = signing.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    (directory / "signing.key").write_bytes(encoded)
    rows = [f'{token},{user},{user},"{"system:masters" if user == "admin" else ""}"' for user, token in TOKENS.items()]
    (directory / "tokens.csv").write_text("\n".join(rows) + "\n")
    return [
        f"--etcd-servers={store}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--tls-cert-file={chain}",
        f"--tls-private-key-file={key}",
        f"--cert-dir={directory}",
        f"--token-auth-file={directory}/tokens.csv",
        "--authorization-mode=RBAC",
        "--disable-admission-plugins=ServiceAccount",
        "--service-account-issuer=https://kubernetes.invalid",
        f"--service-account-key-file={directory}/signing.key",
        f"--service-account-signing-key-file={directory}/signing.key",
        "--service-cluster-ip-range=10.0.0.0/24",
    ]


def _is_healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=60).status_code == 200
    except httpx.HTTPError:
        return False


def _is_ready(cluster: Kubernetes) -> bool:
    try:
        return cluster.admin.get("/readyz").status_code == 200
    except httpx.HTTPError:
        return False
