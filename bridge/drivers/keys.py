"""Private keys that are made on a target and stay there, and the signing requests for them.

    <root>/.keys/<assignment id>.pem

One file for each order's attempt, mode 0600, kept for good: the certificate of any later push is matched with the key
that belongs to it. The bridge makes the key in its memory and writes it to the target; it keeps no copy of it.
"""

import asyncio
import ipaddress
import posixpath
from collections.abc import Callable
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from bridge.drivers.failure import DriverFailure
from bridge.drivers.host import FileKind, Host
from bridge.drivers.pair import Pair, belongs, check_pair
from bridge.protocol import CertificateToInstall, FailureCause, RequestToMake

DIRECTORY = ".keys"
MOST = 200
"""Keys in one root; whoever makes more has to remove some first."""

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

_MAKERS: dict[str, Callable[[], Key]] = {
    "rsa-2048": lambda: rsa.generate_private_key(65537, 2048),
    "rsa-3072": lambda: rsa.generate_private_key(65537, 3072),
    "rsa-4096": lambda: rsa.generate_private_key(65537, 4096),
    "ec-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ec-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}


def check_request(wanted: RequestToMake | None) -> RequestToMake:
    """What is asked for. DriverFailure where it says nothing, or names a kind of key that is not made here."""
    if wanted is None or wanted.key_algorithm not in _MAKERS:
        kinds = ", ".join(_MAKERS)
        raise DriverFailure(FailureCause.UNKNOWN, f"The assignment names no key that can be made here: {kinds}.")
    return wanted


async def make(host: Host, root: str, assignment_id: UUID, wanted: RequestToMake) -> tuple[Key, str]:
    """The key of an assignment, durably on the target before anybody hears of it; and a sentence.

    One that an earlier try of the same assignment made whole is used again, one that a crash cut short is not.
    """
    directory = posixpath.join(root, DIRECTORY)
    path = posixpath.join(directory, f"{assignment_id}.pem")
    if await host.kind(directory) is FileKind.MISSING:
        await host.make_directory(directory)
    names = {entry.name for entry in await host.entries(directory)}
    if posixpath.basename(path) in names:
        if (known := _read(await host.read(path))) is not None:
            return known, f"The key in {path} is used."
        await host.remove(path)
    elif len(names) >= MOST:
        sentence = f"There are {len(names)} keys in {directory}. Remove those that no certificate needs any more."
        raise DriverFailure(FailureCause.UNKNOWN, sentence)
    key = await asyncio.to_thread(_MAKERS[wanted.key_algorithm])
    await host.create_file(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    await host.sync_directory(directory)
    return key, f"A key ({wanted.key_algorithm}) was made in {path}."


async def sign_request(key: Key, wanted: RequestToMake) -> str:
    """The signing request (RFC 2986) as PEM."""
    return await asyncio.to_thread(_signed, key, wanted)


async def pair(host: Host, root: str, certificate: CertificateToInstall) -> Pair:
    """The certificate with the key on the target that belongs to it. DriverFailure where there is none."""
    directory = posixpath.join(root, DIRECTORY)
    if await host.kind(directory) is FileKind.DIRECTORY:
        newest = sorted(await host.entries(directory), key=lambda entry: entry.modified_at, reverse=True)
        for entry in newest:
            path = posixpath.join(directory, entry.name)
            if await host.kind(path) is FileKind.FILE and belongs(content := await host.read(path), certificate):
                return check_pair(certificate, content.decode("ascii"))
    message = f"The private key of this certificate is not in {directory}, where it was made."
    raise DriverFailure(FailureCause.INVALID_CERTIFICATE_OR_KEY, message)


def _read(content: bytes) -> Key | None:
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError):
        return None
    return key if isinstance(key, Key) else None


def _signed(key: Key, wanted: RequestToMake) -> str:
    common_name = [x509.NameAttribute(NameOID.COMMON_NAME, wanted.common_name)] if wanted.common_name else []
    try:
        builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(common_name))
        if wanted.names:
            builder = builder.add_extension(x509.SubjectAlternativeName(map(_general, wanted.names)), critical=False)
        unhashed = isinstance(key, ed25519.Ed25519PrivateKey)
        return builder.sign(key, None if unhashed else hashes.SHA256()).public_bytes(Encoding.PEM).decode("ascii")
    except (ValueError, TypeError) as error:
        raise DriverFailure(FailureCause.UNKNOWN, f"No request can be made for these names: {error}.") from error


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        if "://" in name or name.startswith("urn:"):
            return x509.UniformResourceIdentifier(name)
        return x509.RFC822Name(name) if "@" in name else x509.DNSName(name)
