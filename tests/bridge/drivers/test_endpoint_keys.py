"""Keys that are made on the target: they stay there, and the certificate that comes later finds its own."""

import stat
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from bridge.drivers import keys
from bridge.drivers.driver import Applied, Requested
from bridge.drivers.failure import DriverFailure
from bridge.drivers.registry import drivers
from bridge.protocol import Assignment, AssignmentKind, FailureCause, RequestToMake
from tests.bridge.deploying import AUTHORITY, Deployer, assignment, load_pair
from tests.bridge.pki import SERVER, Issued
from tests.support.nginx import Nginx

NAMES = ("target.example", "10.0.0.1", "2001:db8::1")
WANTED = RequestToMake(key_algorithm="ec-256", common_name="target.example", names=NAMES)


def key_order(target: Deployer, wanted: RequestToMake = WANTED) -> Assignment:
    work = assignment(target.settings, kind=AssignmentKind.ENDPOINT_CSR, target_kind=target.kind)
    return msgspec.structs.replace(work, request=wanted)


async def request(target: Deployer, work: Assignment) -> Requested:
    return await drivers(target.config, target.open_host)[target.kind].request(target.job(work, None))


async def push(target: Deployer, certificate: Issued) -> Applied:
    """A deployment that brings no key along."""
    work = assignment(target.settings, certificate, profile=target.profile, target_kind=target.kind)
    return await drivers(target.config, target.open_host)[target.kind].apply(target.job(work, None))


def issued_for(csr_pem: str) -> Issued:
    """What a CA makes of a request; nobody here has the key."""
    request = x509.load_pem_x509_csr(csr_pem.encode())
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    public_key = request.public_key()
    assert isinstance(public_key, ec.EllipticCurvePublicKey)
    certificate = AUTHORITY.sign("target.example", public_key, SERVER, names)
    return Issued(certificate, ec.generate_private_key(ec.SECP256R1()), (AUTHORITY.root.certificate,))


def file_of(target: Deployer, work: Assignment) -> Path:
    return Path(target.settings["root"]) / keys.DIRECTORY / f"{work.assignment_id}.pem"


async def test_the_key_lies_on_the_target_and_the_request_leaves(target: Deployer) -> None:
    """The request is signed by the key in the file, and asks for the names; the file is its owner's alone."""
    work = key_order(target)
    requested = await request(target, work)
    csr, path = x509.load_pem_x509_csr(requested.csr_pem.encode()), file_of(target, work)
    key = load_pem_private_key(path.read_bytes(), None)
    spki = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert csr.is_signature_valid
    assert csr.public_key().public_bytes(*spki) == key.public_key().public_bytes(*spki)
    asked = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in asked] == list(NAMES)
    modes = [stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent)]
    assert modes == [0o600, 0o700]
    assert "PRIVATE" not in requested.csr_pem + requested.message


@pytest.mark.parametrize("algorithm", ["rsa-2048", "ec-384", "ed25519"])
async def test_every_kind_of_key(local: Deployer, algorithm: str) -> None:
    """As it was ordered; a kind that is not known is refused before anything is written."""
    requested = await request(local, key_order(local, msgspec.structs.replace(WANTED, key_algorithm=algorithm)))
    assert x509.load_pem_x509_csr(requested.csr_pem.encode()).is_signature_valid
    with pytest.raises(DriverFailure, match="rsa-2048"):
        await request(local, key_order(local, msgspec.structs.replace(WANTED, key_algorithm="dsa-1024")))


async def test_the_certificate_is_served_with_the_key_that_was_there(target: Deployer, nginx: Nginx) -> None:
    """Pushed without a key: it is found among others by what it belongs to; again, it is in place."""
    asked = [await request(target, key_order(target)) for _ in range(3)]
    certificate = issued_for(asked[1].csr_pem)
    applied = await push(target, certificate)
    assert not applied.already_in_place
    nginx.wait_until_serves(certificate.fingerprint)
    load_pair(target.place)
    assert (await push(target, certificate)).already_in_place


async def test_a_profile_uses_the_keys_of_its_target(local: Deployer) -> None:
    """The key belongs to the target system, whatever place of it the certificate goes to."""
    certificate = issued_for((await request(local, key_order(local))).csr_pem)
    profile = replace(local, profile="shop")
    await push(profile, certificate)
    load_pair(profile.place)


async def test_without_its_key_a_certificate_is_refused(target: Deployer, nginx: Nginx, first: Issued) -> None:
    """Other keys are there, or none at all: nothing is written, what was served goes on."""
    stranger = AUTHORITY.server()
    for _ in range(2):
        with pytest.raises(DriverFailure, match="where it was made") as failure:
            await push(target, stranger)
        assert failure.value.cause is FailureCause.INVALID_CERTIFICATE_OR_KEY
        assert nginx.serves() == first.fingerprint
        await request(target, key_order(target))


async def test_the_same_assignment_again_has_the_same_key(target: Deployer) -> None:
    """After a crash it is taken up where it was; a file that was cut short is made anew."""
    work = key_order(target)
    public = [
        x509.load_pem_x509_csr((await request(target, work)).csr_pem.encode()).public_key().public_numbers()  # type: ignore[union-attr] # it is an EC key
        for _ in range(2)
    ]
    assert public[0] == public[1]
    path = file_of(target, work)
    path.write_bytes(path.read_bytes()[:100])
    again = x509.load_pem_x509_csr((await request(target, work)).csr_pem.encode())
    key = load_pem_private_key(path.read_bytes(), None)
    assert again.public_key() == key.public_key()


async def test_keys_do_not_pile_up_for_ever(local: Deployer, monkeypatch: pytest.MonkeyPatch) -> None:
    """None is ever removed by itself, since a certificate might need it: the sentence says what to do."""
    monkeypatch.setattr(keys, "MOST", 1)
    await request(local, key_order(local))
    with pytest.raises(DriverFailure, match="Remove those"):
        await request(local, key_order(local))
