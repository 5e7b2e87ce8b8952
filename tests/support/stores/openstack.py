"""OpenStack's Barbican behind its Keystone, both real, and an administrator who looks at what is held."""

import contextlib
import functools
import json
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from bridge.config import Config
from bridge.store_config import OpenStackCloud
from tests.support.components import require
from tests.support.services.base import free_port
from tests.support.stores.base import Held, StoreServer, running
from tests.support.stores.openstack_environment import ADMIN_PASSWORD, DIRECTORY, configure, copy_databases

# Both read the arguments of the program that loads them; Barbican looks for this file in /etc.
_KEYSTONE = "import sys\nsys.argv = sys.argv[:1]\nfrom keystone.wsgi.api import application\n"
_BARBICAN = """\
import sys
sys.argv = sys.argv[:1]
from paste import deploy
application = deploy.loadapp(f"config:{sys.prefix}/etc/barbican/barbican-api-paste.ini")
"""


class OpenStack(StoreServer):
    """A cloud."""

    kind = "barbican"

    def __init__(self, keystone: str, barbican: str, directory: Path) -> None:
        self._keystone, self._barbican, self._directory = keystone, barbican, directory
        self._client = httpx.Client(timeout=60)
        self._user = self._log_in()
        self._add_to_catalogue()
        self.clouds = {name: self._credential(name) for name in ("member", "reader")}
        self.hidden = tuple(each["auth"]["application_credential_secret"] for each in self.clouds.values())
        self.write_clouds(self.clouds)

    def settings(self, name: str) -> dict[str, Any]:
        return {"cloud": "main", "container": name}

    def config(self, **changes: Any) -> Config:
        told: dict[str, Any] = {
            "clouds_file": str(self._directory / "clouds.yaml"),
            "cloud": "member",
            "timeout_seconds": 120,
        }
        return Config(openstack={"main": OpenStackCloud(**(told | changes))}, keep_releases=2)

    def write_clouds(self, clouds: dict[str, Any]) -> None:
        """JSON is YAML too."""
        (self._directory / "clouds.yaml").write_text(json.dumps({"clouds": clouds}))

    def containers(self, name: str | None = None) -> list[dict[str, Any]]:
        """The newest first."""
        listed = self._get("containers?limit=100")["containers"]
        found = [each for each in listed if name in {None, each["name"]}]
        return sorted(found, key=lambda each: str(each["created"]), reverse=True)

    def held(self, name: str) -> Held | None:
        if not (found := self.containers(name)):
            return None
        parts = {ref["name"]: self.payload(ref["secret_ref"]) for ref in found[0]["secret_refs"]}
        chain = parts["certificate"] + parts.get("intermediates", "")
        return Held(found[0]["container_ref"], chain, parts["private_key"])

    def everything(self) -> object:
        return self.secrets(), [each["container_ref"] for each in self.containers()]

    def secrets(self) -> list[str]:
        return sorted(each["secret_ref"] for each in self._get("secrets?limit=100")["secrets"])

    def spoil(self, name: str) -> None:
        """The newest container loses its certificate."""
        refs = {ref["name"]: ref["secret_ref"] for ref in self.containers(name)[0]["secret_refs"]}
        assert self._client.delete(refs["certificate"]).status_code == 204

    def use(self, name: str) -> None:
        """Somebody registers as a consumer of the newest container, as a load balancer does."""
        body = {"name": "load balancer", "URL": "https://lb.example"}
        answer = self._client.post(f"{self.containers(name)[0]['container_ref']}/consumers", json=body)
        assert answer.status_code == 200, answer.text

    def close(self) -> None:
        self._client.close()

    def _log_in(self) -> str:
        domain = {"id": "default"}
        user = {"name": "admin", "domain": domain, "password": ADMIN_PASSWORD}
        identity = {"methods": ["password"], "password": {"user": user}}
        scope = {"project": {"name": "admin", "domain": domain}}
        answer = self._post("auth/tokens", {"auth": {"identity": identity, "scope": scope}})
        self._client.headers["X-Auth-Token"] = answer.headers["X-Subject-Token"]
        return str(answer.json()["token"]["user"]["id"])

    def _add_to_catalogue(self) -> None:
        service = self._post("services", {"service": {"type": "key-manager"}}).json()["service"]["id"]
        endpoint = {"service_id": service, "interface": "public", "url": self._barbican, "region_id": "one"}
        self._post("endpoints", {"endpoint": endpoint})

    def _credential(self, role: str) -> dict[str, Any]:
        wanted = {"application_credential": {"name": role, "roles": [{"name": role}]}}
        made = self._post(f"users/{self._user}/application_credentials", wanted).json()["application_credential"]
        auth = {
            "auth_url": self._keystone,
            "application_credential_id": made["id"],
            "application_credential_secret": made["secret"],
        }
        return {"auth_type": "v3applicationcredential", "auth": auth, "region_name": "one"}

    def _post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        answer = self._client.post(f"{self._keystone}/v3/{path}", json=body)
        assert answer.status_code == 201, answer.text
        return answer

    def _get(self, path: str) -> Any:
        answer = self._client.get(f"{self._barbican}/v1/{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def payload(self, ref: str) -> str:
        answer = self._client.get(f"{ref}/payload", headers={"Accept": "text/plain"})
        assert answer.status_code == 200, answer.text
        return f"{answer.text.strip()}\n"  # it keeps no line break at the end


@contextlib.contextmanager
def running_openstack() -> Iterator[OpenStack]:
    """A cloud with nothing in it."""
    require("barbican")
    with tempfile.TemporaryDirectory(prefix="certferry-openstack-") as name, contextlib.ExitStack() as stack:
        directory, ports = Path(name), (free_port(), free_port())
        keystone, barbican = (f"http://127.0.0.1:{port}" for port in ports)
        copy_databases(directory)
        with contextlib.closing(sqlite3.connect(directory / "keystone.db")) as database, database:
            database.execute("UPDATE endpoint SET url = ?", (f"{keystone}/v3",))
        environment = configure(directory, keystone, barbican)
        for module, text, port in (("keystone_wsgi", _KEYSTONE, ports[0]), ("barbican_wsgi", _BARBICAN, ports[1])):
            (directory / f"{module}.py").write_text(text)
            argv = [str(DIRECTORY / "venv/bin/gunicorn"), "--threads", "4", "--bind", f"127.0.0.1:{port}"]
            log, url = directory / f"{module}.log", f"http://127.0.0.1:{port}/"
            argv.append(f"{module}:application")
            stack.enter_context(running(argv, log, functools.partial(answers, url), environment))
        cloud = OpenStack(keystone, barbican, directory)
        stack.callback(cloud.close)
        yield cloud


def answers(url: str) -> bool:
    """Both tell their versions at `/`, with 300."""
    try:
        return httpx.get(url, timeout=60).status_code == 300
    except httpx.HTTPError:
        return False
