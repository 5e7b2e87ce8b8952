"""Barbican and Keystone in a Python environment of their own, with databases made once, since that takes long.

Everything is below `.cache/`, in a directory named by what it is made of, and is there whole or not at all.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]
_LOCK = Path(__file__).with_name("openstack.lock")
_MADE_OF = hashlib.sha256(_LOCK.read_bytes() + Path(__file__).read_bytes()).hexdigest()[:16]
DIRECTORY = _ROOT / ".cache" / f"openstack-{_MADE_OF}"
READY = DIRECTORY / "ready"
ADMIN_PASSWORD = "admin"  # of servers that live as long as a test

_KEYSTONE = """\
[DEFAULT]
log_file = {directory}/keystone.log
[database]
connection = sqlite:///{directory}/keystone.db
[fernet_tokens]
key_repository = {directory}/fernet
[credential]
key_repository = {directory}/credential
[identity]
password_hash_rounds = 4
"""
_BARBICAN = """\
[DEFAULT]
log_file = {directory}/barbican.log
db_auto_create = false
host_href = {barbican}
[database]
connection = sqlite:///{directory}/barbican.db
[simple_crypto_plugin]
kek = dGhpcnR5X3R3b19ieXRlX2tleWJsYWhibGFoYmxhaGg=
[keystone_authtoken]
auth_type = password
auth_url = {keystone}
interface = public
username = admin
password = admin
project_name = admin
user_domain_id = default
project_domain_id = default
[oslo_policy]
enforce_scope = true
enforce_new_defaults = true
"""


def configure(directory: Path, keystone: str, barbican: str) -> Mapping[str, str]:
    """Write both configurations for their URLs; returns the variables by which the programs find them."""
    (directory / "keystone.conf").write_text(_KEYSTONE.format(directory=directory))
    (directory / ".barbican").mkdir(exist_ok=True)
    told = _BARBICAN.format(directory=directory, keystone=keystone, barbican=barbican)
    (directory / ".barbican/barbican.conf").write_text(told)  # where its modules look by themselves
    path = f"{DIRECTORY / 'venv/bin'}{os.pathsep}{os.environ['PATH']}"
    return {"HOME": str(directory), "PATH": path, "OS_KEYSTONE_CONFIG_DIR": str(directory), "LC_ALL": "C.UTF-8"}


def copy_databases(directory: Path) -> None:
    """Those of a cloud with an administrator and nothing else."""
    shutil.copytree(DIRECTORY / "made", directory, dirs_exist_ok=True)


def install() -> None:
    """Make it, unless it is there; says what failed, and leaves nothing then."""
    DIRECTORY.parent.mkdir(exist_ok=True)
    with _alone():
        if READY.exists():
            return
        shutil.rmtree(DIRECTORY, ignore_errors=True)
        try:
            _install_packages()
            _make_databases()
        except subprocess.CalledProcessError as error:
            sys.stderr.write(f"failed: {' '.join(error.cmd)}\n{error.output}\n")
            shutil.rmtree(DIRECTORY, ignore_errors=True)
        else:
            READY.touch()


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    with DIRECTORY.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _install_packages() -> None:
    index = os.environ.get("PIP_INDEX_URL") or _said("-m", "pip", "config", "get", "global.index-url")
    environment = {"UV_SYSTEM_CERTS": "1", **({"UV_DEFAULT_INDEX": index} if index else {}), **os.environ}
    uv = (sys.executable, "-m", "uv", "--quiet")
    _run(*uv, "venv", "--clear", "--python", sys.executable, str(DIRECTORY / "venv"), environment=environment)
    python = str(DIRECTORY / "venv/bin/python")
    _run(*uv, "pip", "install", "--python", python, "--require-hashes", "-r", str(_LOCK), environment=environment)


def _said(*arguments: str) -> str:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False).stdout.strip()


def _make_databases() -> None:
    made = DIRECTORY / "made"
    made.mkdir()
    environment = configure(made, "http://127.0.0.1:1", "http://127.0.0.1:1")
    bin_directory = DIRECTORY / "venv/bin"
    keystone = (str(bin_directory / "keystone-manage"), "--config-file", str(made / "keystone.conf"))
    _run(*keystone, "db_sync", environment=environment)
    whose = ("--keystone-user", str(os.getuid()), "--keystone-group", str(os.getgid()))
    _run(*keystone, "fernet_setup", *whose, environment=environment)
    url = ("--bootstrap-public-url", "http://127.0.0.1:1/v3", "--bootstrap-region-id", "one")
    _run(*keystone, "bootstrap", "--bootstrap-password", ADMIN_PASSWORD, *url, environment=environment)
    _run(str(bin_directory / "barbican-manage"), "db", "upgrade", environment=environment)


def _run(*command: str, environment: Mapping[str, str]) -> None:
    null, pipe, both = subprocess.DEVNULL, subprocess.PIPE, subprocess.STDOUT
    subprocess.run(command, env=dict(environment), stdin=null, stdout=pipe, stderr=both, text=True, check=True)
