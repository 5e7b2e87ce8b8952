"""Other people's programs that look at what an endpoint serves: `openssl s_client`, `gnutls-cli`, `sslscan`, `nmap`."""

import hashlib
import html
import re
import ssl
import subprocess
from collections.abc import Sequence
from typing import NamedTuple

from tests.support.components import require

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_SECONDS = 60
_LEGACY_GNUTLS = "NORMAL:+VERS-TLS1.0:+VERS-TLS1.1:+SIGN-RSA-SHA1:+SIGN-ECDSA-SHA1:%VERIFY_ALLOW_SIGN_WITH_SHA1"


class Witness(NamedTuple):
    """What one program says: fingerprints, leaf first, as far as it shows the chain; the protocols that it names."""

    program: str
    chain: tuple[str, ...]
    protocols: frozenset[str] = frozenset()


class Place(NamedTuple):
    """What is looked at. `starttls` as OpenSSL has it; `version`: what OpenSSL offers alone (`-tls1_2`), else all."""

    host: str
    port: int
    name: str | None = None
    starttls: str | None = None
    version: str | None = None

    @property
    def address(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def openssl(place: Place) -> Witness:
    """The chain, and the protocol that was agreed on."""
    sni = ["-servername", place.name] if place.name else ["-noservername"]
    old = ["-cipher", "ALL:@SECLEVEL=0", "-legacy_server_connect"]
    versions = [place.version] if place.version else ["-min_protocol", "TLSv1"]
    begin = ["-starttls", place.starttls] if place.starttls else []
    said = _said("openssl", "s_client", "-showcerts", "-connect", place.address, *sni, *old, *versions, *begin)
    agreed = re.search(r"^\s+Protocol\s*: (\S+)", said, re.MULTILINE)
    agreed = agreed or re.search(r"^New, (\S+), Cipher", said, re.MULTILINE)
    return Witness("openssl", _chain(said), frozenset({str(agreed[1])} if agreed else ()))


def gnutls(place: Place) -> Witness:
    """The same by GnuTLS."""
    sni = ["--sni-hostname", place.name] if place.name else ["--disable-sni"]
    begin = [f"--starttls-proto={place.starttls}"] if place.starttls else []
    options = ["--insecure", "--print-cert", "--priority", _LEGACY_GNUTLS, "--port", str(place.port)]
    said = _said("gnutls-cli", *options, *sni, *begin, place.host)
    agreed = re.search(r"Description: \((TLS[0-9.]+)", said)
    return Witness("gnutls", _chain(said), frozenset({_named(agreed[1])} if agreed else ()))


def sslscan(place: Place) -> Witness:
    """The leaf, and every protocol that is enabled."""
    skip = ("ciphersuites", "cipher-details", "heartbleed", "renegotiation", "groups", "compression", "fallback")
    options = ["--no-colour", "--show-certificate", *(f"--no-{each}" for each in skip)]
    begin = [f"--starttls-{place.starttls}"] if place.starttls else []
    said = _said("sslscan", *options, *begin, *([f"--sni-name={place.name}"] if place.name else []), place.address)
    enabled = re.finditer(r"^(SSLv3|TLSv1\.[0-3])\s+enabled", said, re.MULTILINE)
    return Witness("sslscan", _chain(said)[:1], frozenset(each[1].removesuffix(".0") for each in enabled))


def nmap(place: Place) -> Witness:
    """The leaf."""
    name = ["--script-args", f"tls.servername={place.name}"] if place.name else []
    version = ["-6"] if ":" in place.host else []
    script = ["--script", "+ssl-cert", *name, "-oX", "-"]
    said = _said("nmap", *version, "-Pn", "-n", "-sT", "-p", str(place.port), *script, place.host)
    return Witness("nmap", _chain(html.unescape(said))[:1])


def _said(program: str, *arguments: str) -> str:
    argv: Sequence[str] = (str(require(program)), *arguments)
    ran = subprocess.run(argv, input=b"", capture_output=True, check=False, timeout=_SECONDS)
    return ran.stdout.decode(errors="replace")


def _chain(text: str) -> tuple[str, ...]:
    """Each certificate once: some programs show the leaf twice."""
    found = [hashlib.sha256(ssl.PEM_cert_to_DER_cert(each)).hexdigest() for each in _PEM.findall(text)]
    return tuple(dict.fromkeys(found))


def _named(protocol: str) -> str:
    return {"TLS1.0": "TLSv1"}.get(protocol, protocol.replace("TLS", "TLSv"))
