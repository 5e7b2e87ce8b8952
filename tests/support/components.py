"""The real programs that tests run against, and what happens where one is missing.

    require("nginx")                      in a test or fixture: the program's path
    @pytest.mark.needs("nginx", "sshd")   on a test

In CI a missing component fails the test by name. Elsewhere the test is skipped, and the end of the run lists what was
not tested. `python -m tests.support.components` installs what is missing, when it may.
"""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from tests.support.stores import apiserver
from tests.support.stores import openstack_environment as openstack

ROOT = Path(__file__).resolve().parents[2]
NODE_DIRECTORY = ROOT / ".cache" / "node"
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"  # Node does not look at the system's by itself
_SYSTEM_PATHS = ("/usr/local/sbin", "/usr/sbin", "/sbin")  # where daemons are, and not on everyone's PATH


class Component(msgspec.Struct, frozen=True):
    """A program (or an absolute path that must exist), who ships it, and what cannot be tested without it."""

    name: str
    apt: str
    tests: str
    program: str = ""
    npm: str = ""

    def find(self) -> Path | None:
        """The path of the program, None where it is not installed."""
        search = [os.environ.get("PATH", ""), *_SYSTEM_PATHS, str(NODE_DIRECTORY / "node_modules/.bin")]
        found = shutil.which(self.program or self.name, path=os.pathsep.join(search))
        if found:
            return Path(found)
        return Path(self.program) if self.program.startswith("/") and Path(self.program).exists() else None


_KINDS = "pushing to every kind of target"
_STARTTLS = "verification of protocols that begin without TLS"
_ORACLES = "what is really served, seen by other implementations"

COMPONENTS = {
    component.name: component
    for component in (
        Component("apache2", "apache2", _KINDS),
        Component("barbican", "python3-pip", "OpenStack's key manager as a target", program=str(openstack.READY)),
        Component("caddy", "caddy", _KINDS),
        Component("certbot", "certbot", "ACME clients at the service"),
        Component(
            "certbot-dns-rfc2136",
            "python3-certbot-dns-rfc2136",
            "ACME clients at the service",
            program="/usr/lib/python3/dist-packages/certbot_dns_rfc2136",
        ),
        Component("cfssl", "golang-cfssl", "orders through an External CA"),
        Component("chromium", "chromium", "the pages in a real browser"),
        Component("dovecot", "dovecot-imapd", _KINDS),
        Component("dovecot-pop3", "dovecot-pop3d", _STARTTLS, program="/usr/lib/dovecot/pop3-login"),
        Component("dpkg-source", "dpkg-dev", "Secrets of a real Kubernetes API server"),
        Component("etcd", "etcd-server", "Secrets of a real Kubernetes API server"),
        Component("fonts", "fonts-dejavu-core", "how pages look", program="/usr/share/fonts/truetype/dejavu"),
        Component("gnutls-cli", "gnutls-bin", _ORACLES),
        Component("go", "golang-go", "Secrets of a real Kubernetes API server"),
        Component("haproxy", "haproxy", _KINDS),
        Component("keytool", "default-jre-headless", "PFX files, opened by Java"),
        Component("ldapmodify", "ldap-utils", _KINDS),
        Component("lego", "lego", "ACME clients at the service"),
        Component("lighttpd", "lighttpd", _KINDS),
        Component(
            "lighttpd-openssl",
            "lighttpd-mod-openssl",
            _KINDS,
            program="/usr/lib/lighttpd/mod_openssl.so",
        ),
        Component("mariadbd", "mariadb-server", _KINDS),
        Component("mosquitto", "mosquitto", _KINDS),
        Component("named", "bind9", "dns-01 with signed updates"),
        Component("nats-server", "nats-server", f"{_KINDS}; {_STARTTLS}"),
        Component("nginx", "nginx-light", "pushing to a real web server"),
        Component("nmap", "nmap", _ORACLES),
        Component("openssl", "openssl", "what is really served, seen by a second implementation"),
        Component("pebble", "pebble", "orders through an ACME CA"),
        Component("pebble-challtestsrv", "pebble", "orders through an ACME CA"),
        Component("postfix", "postfix", _KINDS),
        Component("postgresql", "postgresql", _KINDS, program="/usr/lib/postgresql"),
        Component("redis-server", "redis-server", _KINDS),
        Component(
            "rsyslog-gnutls",
            "rsyslog-gnutls",
            "events that leave by syslog over TLS",
            program=f"/usr/lib/{platform.machine()}-linux-gnu/rsyslog/lmnsd_gtls.so",
        ),
        Component("rsyslogd", "rsyslog", "events and checkpoints that leave by syslog"),
        Component("sftp-server", "openssh-sftp-server", "pushing over SSH", program="/usr/lib/openssh/sftp-server"),
        Component(
            "sigstore-verify",
            "npm",
            "proofs of the ledger, seen by an implementation of somebody else's",
            program=str(NODE_DIRECTORY / "node_modules/@sigstore/verify"),
            npm="@sigstore/verify@4.1.3",
        ),
        Component(
            "oidc-provider",
            "npm",
            "people who sign in through a provider of OpenID Connect",
            program=str(NODE_DIRECTORY / "node_modules/oidc-provider"),
            npm="oidc-provider@9.13.3",
        ),
        Component("slapd", "slapd", _KINDS),
        Component(
            "softhsm2",
            "softhsm2",
            "a master key in a hardware module",
            program="/usr/lib/softhsm/libsofthsm2.so",
        ),
        Component("spectral", "npm", "the OpenAPI description", npm="@stoplight/spectral-cli@6.16.3"),
        Component("ssh", "openssh-client", "pushing over SSH"),
        Component("sshd", "openssh-server", "pushing over SSH"),
        Component("sslscan", "sslscan", _ORACLES),
        Component("strace", "strace", "that files are written durably and in order"),
        Component("stunnel4", "stunnel4", _KINDS),
        Component("tomcat10", "tomcat10", _KINDS, program="/usr/share/tomcat10/bin/catalina.sh"),
        Component(
            "tomcat10-admin",
            "tomcat10-admin",
            _KINDS,
            program="/usr/share/tomcat10-admin/manager",
        ),
        Component("vsftpd", "vsftpd", _STARTTLS),
    )
}
_missing: dict[str, str] = {}


def require(*names: str) -> Path:
    """The path of the first component; all must be here, else the test is skipped (in CI: failed)."""
    found = {name: COMPONENTS[name].find() for name in names}
    absent = [name for name, path in found.items() if path is None]
    if absent:
        _report(absent)
    path = found[names[0]]
    assert path is not None
    return path


def missing() -> list[str]:
    """Names of the components that were asked for in this process and are not here."""
    return sorted(_missing)


def learn_of_missing(names: Iterable[str]) -> None:
    """What another process of this run missed."""
    _missing.update((name, COMPONENTS[name].tests) for name in names)


def not_tested() -> list[str]:
    """One line per component that was asked for in this run and is not here."""
    return [f"{name}: {what}" for name, what in sorted(_missing.items())]


def _report(absent: list[str]) -> None:
    learn_of_missing(absent)
    message = f"not installed: {', '.join(absent)} (packages: {', '.join(COMPONENTS[name].apt for name in absent)})"
    if os.environ.get("CI") in {"1", "true"}:
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def _run(*command: str) -> None:
    """Run quietly; say what happened only where it failed."""
    environment = {"NODE_EXTRA_CA_CERTS": _CERTIFICATES, **os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    null, pipe, both = subprocess.DEVNULL, subprocess.PIPE, subprocess.STDOUT
    done = subprocess.run(command, env=environment, stdin=null, stdout=pipe, stderr=both, text=True, check=False)
    if done.returncode != 0:
        print(f"failed: {' '.join(command)}\n{done.stdout}", file=sys.stderr)


def _install_packages(packages: list[str]) -> None:
    """Debian packages, without starting the services they bring (policy-rc.d, which we take away again)."""
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    wait = ("-o", "DPkg::Lock::Timeout=300")
    try:
        _run("apt-get", "-qq", *wait, "update")
        _run("apt-get", "-qq", *wait, "install", "-y", "--no-install-recommends", *packages)
    finally:
        if ours:
            policy.unlink()


def _install_node_tools(packages: list[str]) -> None:
    NODE_DIRECTORY.mkdir(parents=True, exist_ok=True)
    quiet = ("--loglevel=error", "--no-audit", "--no-fund", "--ignore-scripts")
    _run("npm", "install", *quiet, "--prefix", str(NODE_DIRECTORY), *packages)


def install() -> None:
    """Install what is missing: Debian packages as root where there is apt, Node's where there is npm."""
    missing = [component for component in COMPONENTS.values() if component.find() is None]
    if COMPONENTS["barbican"] in missing:
        print("installing for the tests: OpenStack's Barbican and Keystone", flush=True)
        openstack.install()
    packages = sorted({component.apt for component in missing if not (component.npm or component.name == "barbican")})
    if packages and os.geteuid() == 0 and shutil.which("apt-get") and "CERTFERRY_NO_APT" not in os.environ:
        print("installing for the tests:", *packages, flush=True)
        _install_packages(packages)
    if (tools := [component.npm for component in missing if component.npm]) and shutil.which("npm"):
        print("installing for the tests:", *tools, flush=True)
        _install_node_tools(tools)
    if "CERTFERRY_NO_APT" not in os.environ:
        apiserver.begin()


if __name__ == "__main__":
    install()
