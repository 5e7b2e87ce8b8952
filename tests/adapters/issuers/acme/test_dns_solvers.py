"""dns-01 with a real name server that takes signed updates, and with a program of the operator's."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from adapters.issuers.acme.dns_solvers import CannotUpdate, HookSolver, Rfc2136Solver
from adapters.issuers.acme.settings import AcmeSecrets, Rfc2136
from adapters.issuers.acme.solvers import Challenge
from adapters.simulated.vault import MemoryVault
from domain.errors import Refused
from tests.adapters.issuers.acme.conftest import AcmeDesk
from tests.contracts.orders_contract import answered, wish
from tests.support.nameserver import HOST, KEY, ZONE, NameServer, running_name_server
from tests.support.pebble import running_pebble

NAME = f"_acme-challenge.www.{ZONE}"
CHALLENGE = Challenge(NAME, "token", "value-1")
OTHER = Challenge(NAME, "token-2", "value-2")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NameServer]:
    with running_name_server(tmp_path_factory.mktemp("named")) as found:
        yield found


def settings(server: NameServer, **changes: Any) -> Rfc2136:
    chosen: dict[str, Any] = {"server": HOST, "port": server.port, "key_name": KEY, **changes}
    return Rfc2136(**chosen)


@pytest.mark.parametrize("zone", [None, ZONE])
async def test_records_come_and_go_one_by_one(server: NameServer, zone: str | None) -> None:
    """Two orders beside each other at one name: each adds its value, as often as it likes, and takes only that away."""
    solver = Rfc2136Solver(settings(server, zone=zone), server.secret, 0)
    for challenge in (CHALLENGE, OTHER, CHALLENGE):
        await solver.present(challenge)
    assert {"value-1", "value-2"} == set(server.texts(NAME))
    await solver.clean_up(CHALLENGE)
    assert ["value-2"] == server.texts(NAME)
    for _ in range(2):
        await solver.clean_up(OTHER)
    assert [] == server.texts(NAME)


async def test_what_the_name_server_does_not_allow_is_told(server: NameServer) -> None:
    """A wrong key, a zone that is not its own: no try will change that."""
    with pytest.raises(Refused, match=r"TSIG key|refuses updates"):
        await Rfc2136Solver(settings(server), "d3Jvbmc=", 0).present(CHALLENGE)
    with pytest.raises(Refused, match="refuses updates: NOTAUTH"):
        await Rfc2136Solver(settings(server, zone="elsewhere.example"), server.secret, 0).present(CHALLENGE)
    elsewhere = Challenge("_acme-challenge.elsewhere.example", "t", "v")
    with pytest.raises(Refused, match=r"has no zone for _acme-challenge\.elsewhere\.example"):
        await Rfc2136Solver(settings(server), server.secret, 0).present(elsewhere)


async def test_a_name_server_that_is_away_is_no_outcome(server: NameServer) -> None:
    """It is asked again later; cleaning up is not what an order fails of."""
    away = Rfc2136Solver(settings(server, port=9), server.secret, 0)
    with pytest.raises(CannotUpdate):
        await away.present(CHALLENGE)
    await away.clean_up(CHALLENGE)


async def test_a_wildcard_and_its_domain_by_signed_updates(server: NameServer, desk: AcmeDesk, tmp_path: Path) -> None:
    """Both are shown by values at the same name; the CA asks the real name server."""
    changes = {"solver": "dns_rfc2136", "rfc2136": settings(server)}
    with running_pebble(tmp_path, names_at=f"{HOST}:{server.port}") as ca:
        dns = desk._replace(ca=ca, changes=changes, secrets=AcmeSecrets(tsig_secret=server.secret))
        parameters = wish(dns, f"*.{ZONE}", subject_alternative_names=(ZONE,))
        issued = await answered(dns.issuer(MemoryVault()), uuid4(), parameters)
    assert {f"*.{ZONE}", ZONE} == set(issued.leaf.facts.subject_alternative_names)
    assert [] == server.texts(f"_acme-challenge.{ZONE}")


def hook(folder: Path, code: str) -> HookSolver:
    program = folder / "hook.py"
    program.write_text(f"import sys\n{code}\n")
    return HookSolver((sys.executable, str(program), "first"), 0)


async def test_the_hook_is_told_what_to_do(tmp_path: Path) -> None:
    """The operator's own arguments come first, then the verb, the name and the value."""
    solver = hook(tmp_path, f"open({str(tmp_path / 'said')!r}, 'a').write(' '.join(sys.argv[1:]) + chr(10))")
    await solver.present(CHALLENGE)
    await solver.clean_up(CHALLENGE)
    said = (tmp_path / "said").read_text().splitlines()
    assert [f"first present {NAME} value-1", f"first clean_up {NAME} value-1"] == said


async def test_a_hook_that_fails_says_why(tmp_path: Path) -> None:
    """What it wrote to stderr stands in the order; cleaning up is not what an order fails of."""
    solver = hook(tmp_path, "sys.exit('no such zone')")
    with pytest.raises(Refused, match=f"ended with 1 at {NAME}: no such zone"):
        await solver.present(CHALLENGE)
    await solver.clean_up(CHALLENGE)
    with pytest.raises(CannotUpdate):
        await HookSolver((str(tmp_path / "nothing"),), 0).present(CHALLENGE)
