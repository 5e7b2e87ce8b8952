"""Certificates that somebody put on the demo's servers by hand, before certferry came; one of them has expired."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from adapters.keys.authorities import certificate_pem
from adapters.x509.building import Authority, make_leaf, make_root, validity
from adapters.x509.names import named
from adapters.x509.private_keys import to_pkcs8
from application.pem import encode
from domain.certificate_facts import Usage

_YEARS = timedelta(days=3650)


def lay_out(place: Path, name: str) -> None:
    """A first certificate in a place of a web server: `current` leads to a directory of its administrator."""
    by_hand = place / "by-hand"
    if (place / "current").is_symlink():
        return
    by_hand.mkdir(mode=0o700, parents=True, exist_ok=True)
    certificate, key = _by_hand(name, datetime.now(UTC))
    (by_hand / "fullchain.pem").write_text(certificate)
    key_file = by_hand / "privkey.pem"
    key_file.touch(mode=0o600)
    key_file.write_text(key)
    (place / "current").symlink_to("by-hand")


def expired(name: str) -> str:
    """A certificate (PEM) that ended three days ago."""
    return _by_hand(name, datetime.now(UTC) - timedelta(days=93))[0]


def _by_hand(name: str, since: datetime) -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    authority = _former_authority(since)
    lasting = validity(since, timedelta(days=90), authority.certificate)
    leaf = make_leaf(named(name), key.public_key(), [x509.DNSName(name)], Usage.SERVER, lasting, authority)
    return certificate_pem(leaf), encode("PRIVATE KEY", to_pkcs8(key))


def _former_authority(since: datetime) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    return make_root(named("Former Company CA"), key, validity(since, _YEARS), path_length=0)
