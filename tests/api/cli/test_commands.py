"""The command line, as programs and people use it: answers, JSON, exit status, never a traceback."""

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
import rich_click as click

from api.cli import group
from tests.api.cli.shell import Shell
from tests.support.postgres import Pg, PostgresServer, database
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def migrated(postgres_server: PostgresServer) -> Iterator[Pg]:
    """One database for all tests that only read, or add."""
    with database(postgres_server) as fresh:
        yield fresh


@pytest.fixture
def shell(tmp_path_factory: pytest.TempPathFactory, migrated: Pg) -> Shell:
    # One data directory per database: the vault in it opens with that directory's master key.
    directory = tmp_path_factory.getbasetemp() / migrated.name
    directory.mkdir(exist_ok=True)
    return Shell(directory, migrated)


def test_tokens(shell: Shell) -> None:
    """The first administrator is made here; a token is shown once, listed without its secret, and revoked."""
    made = shell.json("tokens", "create", "ann", "--role", "admin", "--role", "auditor", "--days", "7")
    assert made["token"].startswith(f"cf_{UUID(made['token_id']).hex}_")
    again = shell.json("tokens", "create", "Ann", "--role", "operator", "--name", "second")
    assert again["principal_id"] == made["principal_id"]
    revoked = shell.run("tokens", "revoke", made["token_id"])
    assert (revoked.returncode, revoked.stdout) == (0, f"{made['token_id']} is revoked.\n")


def test_bridges(shell: Shell, tmp_path: Path) -> None:
    """A new bridge's token comes with the command to spend it; a known bridge gets another one."""
    added = shell.json("bridges", "add", "dmz-1")
    assert added["token"].startswith(added["bridge_id"])
    assert len(added["ca_pin_sha256"]) == 64
    again = shell.run("bridges", "token", added["bridge_id"])
    assert again.returncode == 0
    assert f"--ca-pin {added['ca_pin_sha256']}" in again.stdout
    person = shell.json("tokens", "create", "bob", "--role", "approver")
    (tmp_path / "token").write_text(f"{person['token']}\n")
    too_early = shell.run("bridges", "approve", added["bridge_id"], "--token-file", str(tmp_path / "token"))
    assert (1, True) == (too_early.returncode, "only a bridge that has enrolled" in too_early.stderr)
    nothing = shell.run("bridges", "quarantine", added["bridge_id"])
    assert (1, True) == (nothing.returncode, "nothing to quarantine" in nothing.stderr)
    assert shell.run("bridges", "retire", added["bridge_id"]).returncode == 0
    refused = shell.run("bridges", "token", added["bridge_id"])
    assert (refused.returncode, refused.stderr) == (1, "dmz-1 is retired.\n")


def test_providers(shell: Shell, tmp_path: Path) -> None:
    """Settings and secrets come from files; secrets are shown to nobody; a name is free again after its retirement."""
    settings, secrets = tmp_path / "settings.json", tmp_path / "secrets.json"
    settings.write_text(json.dumps({"kind": "cfssl", "url": "https://ca.example.org", "profiles": {"server": "www"}}))
    secrets.write_text(json.dumps({"auth_key": "00c0ffee" * 4}))
    wish = ("providers", "add", "external_ca", "Our CA", "--settings", str(settings))
    made = shell.json(*wish, "--secrets", str(secrets))
    assert ("Our CA", "external_ca", ["auth_key"]) == (made["name"], made["provider"], made["secrets_set"])
    assert made == shell.json("providers", "show", made["id"])
    people = shell.run("providers", "show", made["id"])
    assert 'settings: {"kind": "cfssl"' in people.stdout
    assert "c0ffee" not in people.stdout + json.dumps(made)
    again = shell.run(*wish, "--secrets", str(secrets))
    assert (1, True) == (again.returncode, "Our CA" in again.stderr)
    assert f"{made['id']} is retired.\n" == shell.run("providers", "retire", made["id"]).stdout
    assert shell.json("providers", "show", made["id"])["retired"] is True
    assert 0 == shell.run(*wish, "--secrets", str(secrets)).returncode
    settings.write_text("c0ffee")
    wrong = shell.run(*wish)
    assert (2, "The file of settings holds no JSON object.\n") == (wrong.returncode, wrong.stderr)
    unknown = shell.run("providers", "show", str(UUID(int=1)))
    assert (1, False) == (unknown.returncode, "Traceback" in unknown.stderr)


def _people_come_and_go(shell: Shell) -> None:
    """Somebody is disabled and enabled again, with their token gone for good; not the last administrator."""
    ann = shell.json("tokens", "create", "ann", "--role", "admin")["principal_id"]
    ben = shell.json("tokens", "create", "ben", "--role", "operator")["principal_id"]
    wait_until(lambda: len(shell.json("tokens", "list")) == 2, 60)
    assert shell.json("principals", "disable", ben, "--reason", "Left.")["disabled"] == ben
    last = shell.run("principals", "disable", ann)
    assert (1, True) == (last.returncode, "last administrator" in last.stderr)
    assert shell.json("principals", "enable", ben)["enabled"] == ben
    within = shell.json("principals", "grant", ben, "approver", "--certificate-tag", "b", "--certificate-tag", "a")
    assert "approver for certificates tagged a or b" in within["roles"]
    other = shell.json("principals", "ungrant", ben, "approver", "--certificate-tag", "a")
    assert within["roles"] == other["roles"], "held within another scope"
    scope = ("--certificate-tag", "a", "--certificate-tag", "b")
    assert shell.json("principals", "ungrant", ben, "approver", *scope)["roles"] == ["operator"]
    lone = shell.run("principals", "ungrant", ann, "admin")
    assert (1, True) == (lone.returncode, "last administrator" in lone.stderr)
    wait_until(lambda: {"ann": (False, None), "ben": (True, None)} == _tokens(shell), 60)
    assert not any(found["disabled"] for found in shell.json("principals", "list"))


def _tokens(shell: Shell) -> dict[str, tuple[bool, str | None]]:
    return {found["person"]: (found["revoked"], found["last_used_at"]) for found in shell.json("tokens", "list")}


def test_providers_are_listed(postgres_server: PostgresServer, tmp_path: Path) -> None:
    """By name, the retired ones, too, once a worker has made the read models; principals and tokens as well."""
    (tmp_path / "settings.json").write_text(json.dumps({"directory_url": "https://ca.example.org/directory"}))
    add = ("providers", "add", "acme", "--settings", str(tmp_path / "settings.json"))
    with database(postgres_server) as fresh:
        shell = Shell(tmp_path, fresh)
        second, first = shell.json(*add, "Second"), shell.json(*add, "First")
        shell.json("providers", "retire", second["id"])
        wanted = [(first["id"], "First", "acme", False), (second["id"], "Second", "acme", True)]
        worker = shell.start("work")
        try:
            wait_until(lambda: shell.run("providers", "list").returncode == 0, 120)
            wait_until(lambda: len(shell.json("providers", "list")) == 2, 60)
            assert wanted == [tuple(found.values()) for found in shell.json("providers", "list")]
            _people_come_and_go(shell)
        finally:
            worker.terminate()
            assert worker.wait(timeout=60) == 0


def test_migrate_and_doctor(postgres_server: PostgresServer, tmp_path: Path) -> None:
    """An empty database: doctor says what to do, migrate does it, and a second time there is nothing to do."""
    with database(postgres_server, template="template1") as empty:
        shell = Shell(tmp_path, empty)
        sick = shell.run("doctor", "--json")
        assert sick.returncode == 1
        found = {each["check"]: each for each in json.loads(sick.stdout)}
        assert found["database"]["well"] is True
        assert "certferry migrate" in found["schema"]["detail"]
        assert "0001_ledger" in shell.json("migrate")["applied"]
        assert shell.json("migrate") == {"applied": []}
        healed = json.loads(shell.run("doctor", "--json").stdout)
        assert next(each for each in healed if each["check"] == "schema")["well"] is True
        started = shell.run(
            "serve", "--port", "0", CERTFERRY_BRIDGES__PORT="0", CERTFERRY_DATABASE__DSN="host=/nowhere"
        )
        assert started.returncode == 1
        assert "Traceback" not in started.stderr


def test_serving_without_migrations(postgres_server: PostgresServer, tmp_path: Path) -> None:
    """The service refuses to start, and says which command is missing."""
    with database(postgres_server, template="template1") as empty:
        done = Shell(tmp_path, empty).run("serve", "--port", "0", CERTFERRY_BRIDGES__PORT="0")
    assert done.returncode == 1
    assert "certferry migrate" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "changes", "status", "said"),
    [
        (("frobnicate",), {}, 2, "No such command"),
        (("tokens", "create"), {}, 2, "Missing argument"),
        (("tokens", "create", "ann", "--role", "king"), {}, 2, "king"),
        (("tokens", "revoke", "00000000-0000-0000-0000-000000000000"), {}, 1, "There is no token"),
        (("doctor",), {"CERTFERRY_DATABSE__DSN": "x"}, 2, "CERTFERRY_DATABSE__DSN is no setting"),
        (("doctor",), {"CERTFERRY_CONFIG": "/nowhere/certferry.toml"}, 2, "no configuration file"),
        (("tokens", "list"), {"CERTFERRY_DATABASE__DSN": ""}, 2, "Which database"),
        (("tokens", "list"), {"CERTFERRY_DATABASE__DSN": "host=/nowhere"}, 1, "/nowhere"),
        (("tokens", "list"), {"CERTFERRY_MASTER_KEY": "canary"}, 1, "master key"),
        (("rebuild", "nothing"), {}, 2, "There is no read model nothing"),
        (("report", "push-validation"), {}, 1, "certferry work"),
        (("diff", "--from", "2026-01-01"), {}, 1, "certferry work"),
        (("report", "push-validation", "--from", "2027-01-02", "--to", "2027-01-01"), {}, 2, "ends before it begins"),
        (("report", "exposure", "--from", "2999-01-02", "--to", "2999-01-01"), {}, 2, "ends before it begins"),
        (("report", "separation-of-duties", "--rule", "trust-me"), {}, 2, "distinct-all"),
        (("report", "expiry", "--as-of-position", "999999"), {}, 2, "as far as position"),
    ],
)
def test_what_goes_wrong_is_one_sentence(
    shell: Shell, arguments: tuple[str, ...], changes: dict[str, str], status: int, said: str
) -> None:
    """Exit status 1 for what did not work, 2 for wrong use or settings; nothing on standard output, no traceback."""
    done = shell.run(*arguments, **changes)
    assert (done.returncode, done.stdout) == (status, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "canary" not in done.stderr


def test_help_names_every_command(shell: Shell) -> None:
    """Without a terminal, too. Each is imported when it is named, from where it is looked for."""
    done = shell.run("--help")
    assert done.returncode == 0
    context = click.Context(group)
    assert {"demo", "serve", "work", "seal", "migrate", "verify", "holds", "report"} <= {*group.list_commands(context)}
    for name in group.list_commands(context):
        assert f" {name} " in done.stdout
        command = group.get_command(context, name)
        assert command is not None
        assert name == command.name
