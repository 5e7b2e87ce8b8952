"""kill -9 in the middle of an erasure: somebody is erased or is not yet, never half; and the ledger still verifies."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import httpx
import pytest

from domain.personal import ERASED
from tests.support.demo import Demo, Person

_FORMS = ("application/json", "application/x-ndjson", "text/csv")


def _somebody(demo: Demo, name: str) -> tuple[str, Person]:
    """A new requester with a token and a first deed; their id."""
    admin = demo.person("admin")
    who = admin.post("/principals", {"name": name, "roles": ["requester"]})["id"]
    token = admin.post("/tokens", {"principal_id": who, "name": f"laptop of {name}"})["token"]
    person = Person(demo.ready["base_url"], token)
    assert person.get("/me")["name"] == name
    return str(who), person


class _Asked(threading.Thread):
    """The command, sent by somebody who may never hear its answer."""

    def __init__(self, demo: Demo, who: str) -> None:
        super().__init__(daemon=True)
        self._demo, self._who = demo, who
        self.status: int | None = None

    def run(self) -> None:
        try:
            self.status = self._demo.person("admin").ask(*_erasure(self._who)).status_code
        except httpx.HTTPError:
            return


def _erasure(who: str) -> tuple[str, dict[str, Any]]:
    return f"/principals/{who}/erase", {"reason": "objection"}


def _kill(demo: Demo, parts: tuple[str, ...]) -> None:
    """At once; the demo starts them again."""
    before = demo.pids
    for part in parts:
        os.kill(before[part], signal.SIGKILL)
    demo.until(lambda: all(demo.pids.get(part, before[part]) != before[part] for part in parts), "them to start again")


def _told(demo: Demo) -> str:
    """Everything that the API tells of people, in every form, now and as of just before."""
    auditor = demo.person("auditor")
    head = auditor.get("/audit-events", sort="-position", limit=1)["items"][0]["position"]
    said = []
    for path in ("principals", "tokens", "audit-events"):
        for form in _FORMS:
            for query in ({}, {"as_of_position": head - 1}):
                answer = auditor.client.get(f"/{path}", params={"limit": 200, **query}, headers={"accept": form})
                assert answer.status_code == 200, answer.text
                said.append(answer.text)
    return "\n".join(said)


def _logs(demo: Demo) -> str:
    return "\n".join(file.read_text(errors="replace") for file in (demo.directory / "logs").iterdir())


@pytest.mark.parametrize("parts", [("api",), ("postgres",), ("api", "worker", "postgres")], ids="+".join)
@pytest.mark.parametrize("pause", [0.0, 0.03])
def test_killed_while_somebody_is_erased(demo: Demo, parts: tuple[str, ...], pause: float) -> None:
    """Whatever dies, and when: an acknowledged erasure has happened, any other can be asked for again; afterwards
    nothing of the person is told, nor stands in a log, and their token opens nothing.
    """
    name = f"Rita-{'-'.join(parts)}-{round(1000 * pause)} Meyer"
    who, rita = _somebody(demo, name)
    asked = _Asked(demo, who)
    asked.start()
    time.sleep(pause)
    _kill(demo, parts)
    asked.join()

    admin = demo.person("admin")
    if asked.status == 200:
        assert demo.until(lambda: admin.get(f"/principals/{who}"), "the API")["name"] == ERASED
    demo.until(lambda: admin.ask(*_erasure(who)).status_code in (200, 409), "an answer to the repeat")
    assert demo.until(lambda: admin.get(f"/principals/{who}"), "the API")["name"] == ERASED
    demo.until(lambda: rita.client.get("/me").status_code == 401, "the token to be taken back")
    rita.client.close()
    assert name not in demo.until(lambda: _told(demo), "the worker to catch up")
    assert name not in _logs(demo)


def test_an_erased_ledger_verifies(demo: Demo) -> None:
    """`certferry verify` over ledger, seals and read models of a service that has erased people."""
    who, rita = _somebody(demo, "Rita who is verified")
    rita.client.close()
    demo.person("admin").post(*_erasure(who))
    head = int(demo.person("auditor").get("/audit-events", sort="-position", limit=1)["items"][0]["position"])

    def sealed() -> bool:
        return int(demo.person("auditor").client.get("/audit/checkpoint").text.split("\n")[1]) >= head

    demo.until(sealed, "the erasure to be sealed")
    command = ["--config", str(demo.directory / "certferry.toml"), "verify", "--json"]
    done = subprocess.run(
        [sys.executable, "-P", "-c", "from api.cli import main; main()", *command],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert (True, 0) == (found["intact"], found["read_models"]["wrong_rows"])
    assert found["size"] >= head
    assert "Rita who is verified" not in done.stdout
