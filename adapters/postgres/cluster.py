"""A new data directory: initdb, the roles and the database. It appears whole or not at all."""

import json
import os
import secrets
import shutil
import subprocess
from pathlib import Path
from typing import Any

import msgspec

from adapters.postgres.binaries import Binaries
from adapters.postgres.roles import DATABASE, OWNER, ROLES, create_roles_sql
from adapters.postgres.sizes import shared_buffers
from adapters.postgres.unprivileged import Runner


class InitdbFailed(RuntimeError):
    """initdb or the first statements failed; the message holds what PostgreSQL said."""


class Credentials(msgspec.Struct, frozen=True):
    """Passwords by role, kept 0600 beside the cluster."""

    postgres: str
    certferry_owner: str
    certferry_app: str
    certferry_sealer: str

    def of(self, role: str) -> str:
        """The password of a role; KeyError for a role we did not make."""
        return {field: str(getattr(self, field)) for field in self.__struct_fields__}[role]


def create_cluster(binaries: Binaries, runner: Runner, cluster: Path, scratch: Path) -> Credentials:
    """Make `cluster` ready to be started. `scratch` is a directory the runner owns and nobody else reads."""
    building = cluster.with_name(cluster.name + ".new")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(mode=0o700)
    runner.own(building)
    credentials = Credentials(*(secrets.token_urlsafe(24) for _ in Credentials.__struct_fields__))
    _initdb(binaries, runner, building, scratch, credentials)
    _first_statements(binaries, runner, building, credentials)
    _store(cluster.with_name("credentials.json"), credentials)
    building.rename(cluster)
    return credentials


def load_credentials(cluster: Path) -> Credentials:
    """The stored passwords. Raises FileNotFoundError where someone removed them."""
    return msgspec.json.decode(cluster.with_name("credentials.json").read_bytes(), type=Credentials)


def _store(path: Path, credentials: Credentials) -> None:
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(msgspec.to_builtins(credentials), file)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)


def _initdb(binaries: Binaries, runner: Runner, building: Path, scratch: Path, credentials: Credentials) -> None:
    password_file = scratch / "initdb-password"
    password_file.unlink(missing_ok=True)
    with os.fdopen(os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        os.fchown(file.fileno(), runner.uid, runner.gid)
        file.write(credentials.postgres)
    locale = ["--locale-provider=builtin", "--locale=C.UTF-8"] if binaries.major >= 17 else ["--locale=C.UTF-8"]
    sizes = [f"--set=shared_buffers={shared_buffers()}MB"] if binaries.major >= 16 else []
    options = ["--username=postgres", f"--pwfile={password_file}", "--auth=scram-sha-256", "--encoding=UTF8"]
    try:
        with runner.reaching(building) as (data, process):
            _run([binaries.program("initdb"), "-D", data, *options, "--data-checksums", *locale, *sizes], process)
    finally:
        password_file.unlink()


def _first_statements(binaries: Binaries, runner: Runner, building: Path, credentials: Credentials) -> None:
    """Single-user mode: nobody can connect before the roles have their passwords. One line is one statement."""
    roles = create_roles_sql(*map(credentials.of, ROLES))
    statements = [*roles, f"CREATE DATABASE {DATABASE} OWNER {OWNER}"]
    with runner.reaching(building) as (data, process):
        command = [binaries.program("postgres"), "--single", "-D", data, "postgres"]
        said = _run(command, process, given="".join(f"{statement};\n" for statement in statements))
    if "ERROR:" in said:
        raise InitdbFailed("PostgreSQL refused one of the first statements while making the roles")


def _run(command: list[str], process: dict[str, Any], given: str = "") -> str:
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False, **process)
    if done.returncode != 0:
        raise InitdbFailed(f"{Path(command[0]).name} failed: {done.stderr.strip()[-2000:]}")
    return str(done.stderr)
