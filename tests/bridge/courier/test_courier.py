"""The courier against the whole service: orders, installs, reloads a real nginx, renews in time."""

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from api.cli.working import work
from bridge.config import ConfigRefused
from bridge.courier import carrying
from bridge.courier.carrying import _body
from bridge.courier.config import CourierConfig, Wanted, read_courier_config
from bridge.courier.due import reason_to_order
from bridge.courier.installing import installed
from bridge.courier.pending import begin, read_pending, save_pending
from bridge.courier.running import run_for_ever, run_once
from bridge.courier.service import Service, ServiceRefuses
from bridge.state import open_state
from tests.api.desk import Desk, in_one_task, open_desk, served
from tests.api.test_refusals import refused
from tests.api.walking import API, issued
from tests.support.nginx import Site, lay_out, running_nginx
from tests.support.postgres import PostgresServer, database

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROOT = Path(__file__).resolve().parents[3]
NAME = "www.example.org"


class Host:
    """The courier's host: its token, its directories, what it wants."""

    def __init__(self, desk: Desk, url: str, directory: Path, token: str, owner: str) -> None:
        self.desk, self.url, self.directory, self.owner = desk, url, directory, owner
        self.token_file, self.place = directory / "token", directory / "tls"
        self.token_file.write_text(f"{token}\n")
        self.place.mkdir()

    def config(self, **wanted: Any) -> CourierConfig:
        usual: dict[str, Any] = {"directory": str(self.place), "names": (NAME,), "reload": ("true",)}
        return CourierConfig(
            url=self.url,
            token_file=str(self.token_file),
            state=str(self.directory / "state"),
            certificates={"www": Wanted(**(usual | wanted))},
        )

    def service(self) -> Service:
        return Service(self.url, self.token_file.read_text().strip())

    async def orders(self) -> list[dict[str, Any]]:
        """What the courier has ordered so far, newest first."""
        await self.desk.settled()
        answer = await self.desk.as_("auditor").get(f"{API}/orders", params={"requested_by": self.owner})
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    def served_files(self) -> tuple[bytes, bytes]:
        """Chain and key, as a service would read them."""
        current = self.place / "current"
        return (current / "fullchain.pem").read_bytes(), (current / "privkey.pem").read_bytes()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """One service with its worker for all of these tests."""
    with database(postgres_server) as pg:
        async with in_one_task(open_desk(pg, tmp_path_factory.mktemp("data"), work=work)) as opened:
            yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def host(desk: Desk, tmp_path: Path) -> AsyncIterator[Host]:
    """A courier of its own, at the service over HTTP."""
    admin = desk.as_("admin")
    wish = {"name": f"courier of {tmp_path.name}", "kind": "courier", "roles": ["requester"]}
    owner = (await admin.post(f"{API}/principals", json=wish)).json()["id"]
    token = (await admin.post(f"{API}/tokens", json={"principal_id": owner, "name": "courier"})).json()["token"]
    async with served(desk.app) as url:
        yield Host(desk, url, tmp_path, token, owner)


@pytest.mark.needs("nginx")
async def test_a_first_certificate_and_nothing_more(host: Host) -> None:
    """Ordered as `courier`, installed, served by nginx after its reload; the second round changes nothing."""
    by_hand = issued(NAME)
    lay_out(host.place, by_hand.certificate_pem, by_hand.private_key_pem)
    with running_nginx(host.directory / "nginx", Site(host.place)) as nginx:
        config = host.config(test=nginx.test_argv, reload=nginx.reload_argv)
        found = (await run_once(config))["www"]
        assert "unchanged" == found.status  # what an administrator put there is good for some time, and has the name
        config = host.config(test=nginx.test_argv, reload=nginx.reload_argv, names=(NAME, "example.org"))
        found = (await run_once(config))["www"]
        assert "installed" == found.status, found
        [order] = await host.orders()
        assert ("courier", host.owner) == (order["requested_by"]["kind"], order["requested_by"]["id"])
        certificate = (await host.desk.as_("auditor").get(f"{API}/certificates/{order['certificate_id']}")).json()
        assert ({NAME, "example.org"}, False) == (
            set(certificate["subject_alternative_names"]),
            certificate["has_private_key"],
        )
        await asyncio.to_thread(nginx.wait_until_serves, certificate["fingerprint_sha256"])
        before = host.served_files()
        assert "unchanged" == (await run_once(config))["www"].status
        assert before == host.served_files()
        assert 1 == len(await host.orders())


async def test_a_reload_that_fails_is_rolled_back_and_gone_on_with(host: Host) -> None:
    """The certificate that was there stays in use; mended, the very same order is installed."""
    first = host.config()
    assert "installed" == (await run_once(first))["www"].status
    before = host.served_files()
    failing = host.config(names=("shop.example.org",), reload=("sh", "-c", "test -e {place}/mended"))
    found = (await run_once(failing))["www"]
    assert ("failed", True) == (found.status, "Rolled back" in found.message)
    assert before == host.served_files()
    mended = host.place / "mended"
    mended.touch()
    assert "installed" == (await run_once(failing))["www"].status
    assert before != host.served_files()
    assert 2 == len(await host.orders())


@pytest.mark.parametrize("noted", [True, False], ids=["order noted", "order not noted"])
async def test_whatever_it_was_at_is_gone_on_with(host: Host, noted: bool) -> None:
    """Killed after the order was sent, before or after its id was noted: one order, and the key that was made first."""
    config = host.config()
    state = open_state(Path(config.state))
    pending = save_pending(state, "www", begin(config.certificates["www"]))
    assert 0o600 == stat.S_IMODE((state / "www.pending.json").stat().st_mode)
    service = host.service()
    body = _body(pending)
    order = await service.order(body, pending.idempotency_key)
    await service.close()
    if noted:
        save_pending(state, "www", msgspec.structs.replace(pending, order_id=order.id))
    found = (await run_once(config))["www"]
    assert ("installed", str(order.id)) == (found.status, found.order_id)
    assert pending.private_key_pem.encode() == host.served_files()[1]
    assert [str(order.id)] == [each["id"] for each in await host.orders()]
    assert read_pending(state, "www") is None


async def test_it_renews_in_the_window_that_the_service_names(host: Host) -> None:
    """ARI (RFC 9773): not today, and in time before the end."""
    config = host.config()
    wanted = config.certificates["www"]
    assert "installed" == (await run_once(config))["www"].status
    service, leaf, now = host.service(), await installed(wanted), datetime.now(UTC)
    assert await reason_to_order(service, wanted, leaf, now) is None
    assert await reason_to_order(service, wanted, leaf, now + timedelta(days=59)) is None
    assert "it is time to renew" == await reason_to_order(service, wanted, leaf, now + timedelta(days=69))
    by_hand = issued(NAME, days=90).certificate_pem  # of somebody else: by its lifetime
    assert await reason_to_order(service, wanted, by_hand, now) is None
    assert await reason_to_order(service, wanted, by_hand, now + timedelta(days=89)) is not None
    await service.close()


async def test_a_certificate_whose_time_has_come_is_ordered_again(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Round after round nothing, until its window: a second order, another key and certificate, then nothing again."""
    config = msgspec.structs.replace(host.config(), check_seconds=0.05)
    seen: list[str | None] = []
    early: set[str | None] = set()

    async def ahead(service: Service, wanted: Wanted, leaf: str | None, now: datetime) -> str | None:
        """What the courier asks; for certificates of `early` the clock is 69 days ahead."""
        seen.append(leaf)
        return await reason_to_order(service, wanted, leaf, now + timedelta(days=69 if leaf in early else 0))

    async def rounds_with(known: int) -> str | None:
        """Until some rounds have come upon the same certificate, the `known`th one that was seen, and left it alone."""
        async with asyncio.timeout(60):
            while len(dict.fromkeys(seen)) < known or len(set(seen[-3:])) > 1:
                await asyncio.sleep(0.02)
        return seen[-1]

    monkeypatch.setattr(carrying, "reason_to_order", ahead)
    going = asyncio.create_task(run_for_ever(config))
    first = await rounds_with(2)  # none at all comes first
    before = host.served_files()
    assert 1 == len(await host.orders())
    early.add(first)
    second = await rounds_with(3)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(going, 60)
    assert [None, first, second] == list(dict.fromkeys(seen))
    assert ["complete", "complete"] == [order["status"] for order in await host.orders()]
    assert all(new != old for new, old in zip(host.served_files(), before, strict=True))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().remove_signal_handler(number)


async def test_a_state_that_cannot_be_read_holds_up_no_other(host: Host) -> None:
    """It is told, and the others are looked after; so it is no reason to end."""
    config = host.config()
    other = host.directory / "other"
    other.mkdir()
    wanted = config.certificates["www"]
    both = {"broken": msgspec.structs.replace(wanted, directory=str(other)), "www": wanted}
    (open_state(Path(config.state)) / "broken.pending.json").write_text("{")
    found = await run_once(msgspec.structs.replace(config, certificates=both))
    assert ("failed", "installed") == (found["broken"].status, found["www"].status)
    assert "broken.pending.json cannot be read" in found["broken"].message


async def test_an_order_that_fails_or_is_refused_is_told(host: Host) -> None:
    """The service's own words; the next round asks anew."""
    config = host.config(names=("not_a_name.example.org",))
    found = (await run_once(config))["www"]
    assert ("failed", True) == (found.status, "422" in found.message)
    assert [] == await host.orders()
    missing = host.config(directory=str(host.directory / "nowhere"))
    found = (await run_once(missing))["www"]
    assert ("failed", True) == (found.status, "must be a directory" in found.message)
    assert [] == await host.orders()


async def test_certificates_of_others_are_not_fetched(host: Host) -> None:
    """Whoever may not download fetches what they ordered, and nothing else."""
    body = {"mode": "automated", "subject_alternative_names": ["other.example.org"]}
    order = (await host.desk.as_("requester").post(f"{API}/orders", json=body)).json()["id"]
    service = host.service()
    while (await service.look(order)).status != "complete":
        await asyncio.sleep(0.05)
    with pytest.raises(ServiceRefuses, match="403"):
        await service.certificate(order)
    await service.close()
    path = f"{API}/orders/{order}/certificate"
    mine = await host.desk.as_("requester").get(path)
    assert (200, 2) == (mine.status_code, mine.text.count("BEGIN CERTIFICATE"))
    assert 200 == (await host.desk.as_("operator").get(path)).status_code
    refused(await host.desk.as_("lead").get(path), 403, "forbidden")


async def test_the_command(host: Host) -> None:
    """`certferry courier --once --json` needs its own file and nothing else; its status tells how it went."""
    written = host.directory / "courier.toml"
    written.write_text(
        f"""
        url = "{host.url}"
        token_file = "{host.token_file}"
        state = "{host.directory / "state"}"
        [certificates.www]
        directory = "{host.place}"
        names = ["{NAME}"]
        key_algorithm = "ec-384"
        reload = ["true"]
        """
    )
    done = await asyncio.to_thread(_certferry, "courier", "--config", str(written), "--once", "--json")
    assert 0 == done.returncode, done.stderr
    assert "installed" == json.loads(done.stdout)["certificates"]["www"]["status"]
    written.write_text(written.read_text().replace(f'"{host.place}"', f'"{host.directory}/nowhere"'))
    failed = await asyncio.to_thread(_certferry, "courier", "--config", str(written), "--once")
    assert (1, True) == (failed.returncode, failed.stdout.startswith("www: failed: "))
    written.write_text("url = 1")
    assert 2 == (await asyncio.to_thread(_certferry, "courier", "--config", str(written), "--once")).returncode


def _certferry(*arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-P", "-c", "from api.cli import main; main()", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120, cwd="/")


_X = "url = 'https://certferry.example.org'\n[certificates.x]\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("url = 'http://certferry.example.org'", "https only"),
        ("url = 'https://user@certferry.example.org'", "looks like"),
        ("url = 'https://certferry.example.org'\nurl_ = 1", "url_"),
        ("url = 'https://certferry.example.org'\n[certificates.'../x']\ndirectory='/d'\nnames=['a']", "cannot name"),
        ("url = 'https://certferry.example.org'\n[certificates.x]\ndirectory='d'\nnames=['a']", "not absolute"),
        ("url = 'https://certferry.example.org'\n[certificates.x]\ndirectory='/d'\nnames=[]", "names"),
        (f"{_X}directory='/d'\nnames=['a']\n[certificates.y]\ndirectory='/d'\nnames=['b']", "one directory"),
    ],
)
async def test_a_configuration_that_cannot_be_meant(tmp_path: Path, text: str, why: str) -> None:
    """Refused with the reason, before anything is asked or written."""
    path = tmp_path / "courier.toml"
    rest = "" if "[certificates" in text else "\n[certificates.www]\ndirectory = '/d'\nnames = ['a.example.org']"
    path.write_text(f"token_file = '/t'\n{text}{rest}\n")
    with pytest.raises(ConfigRefused, match=why):
        read_courier_config(path)
