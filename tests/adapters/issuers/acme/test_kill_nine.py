"""kill -9 of the process that carries an order through a real CA, before and after everything it does."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec

from tests.adapters.issuers.acme.conftest import AcmeDesk
from tests.support.components import ROOT
from tests.support.pebble import running_pebble
from tests.support.postgres import Pg

STEPS = 36
"""More than an order has without a refused nonce: the last ones live to the end."""


def test_killed_between_any_two_steps_an_order_gets_one_certificate(pg: Pg, desk: AcmeDesk, tmp_path: Path) -> None:
    """Whenever it dies, the next process ends the order; the CA has issued one certificate for each, no more."""
    found = tmp_path / "found"
    found.mkdir()
    with running_pebble(tmp_path / "pebble", http_port=desk.ca.http_port, nonce_reject=5) as ca:
        settings = msgspec.to_builtins(desk._replace(ca=ca).settings())
        task = {
            "dsn": pg.app_dsn,
            "settings": settings,
            "webroot": str(desk.webroot),
            "found": str(found),
            "steps": list(range(STEPS)),
        }
        command = [sys.executable, "-m", "tests.adapters.issuers.acme.dying"]
        done = subprocess.run(
            command, input=json.dumps(task), capture_output=True, text=True, check=False, cwd=ROOT, timeout=240
        )
        assert done.returncode == 0, done.stderr[-3_000:]
        said = json.loads(done.stdout)
        issued = ca.issued()
    assert -9 in said["killed"]
    assert 0 in said["killed"], "no life was long enough: raise STEPS"
    assert {-9, 0} == set(said["killed"]), done.stderr[-3_000:]
    assert [0] * STEPS == said["finished"], done.stderr[-3_000:]
    serials = [int((found / f"{number}").read_text(), 16) for number in range(STEPS)]
    assert sorted(serials) == sorted(int(serial, 16) for serial in issued)
