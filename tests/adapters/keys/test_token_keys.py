"""Local PKI's issuing key on a PKCS#11 token (SoftHSM): made there, signing there; OpenSSL verifies what it signed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.adapters.issuers.status import openssl
from tests.adapters.keys.test_pkcs11_key import PIN, token
from tests.support.components import ROOT

__all__ = ("token",)
_PROGRAM = "tests.adapters.keys.on_a_token"


def run(module: Path, folder: Path, *deeds: str) -> list[str]:
    """What a process says that does this; never the PIN."""
    command = [sys.executable, "-W", "error", "-m", _PROGRAM, str(module), "certferry", PIN, str(folder), *deeds]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert PIN not in done.stdout + done.stderr
    return done.stdout.splitlines()


@pytest.mark.needs("openssl", "softhsm2")
def test_everything_is_signed_on_the_token(token: Path, tmp_path: Path) -> None:
    """Certificates, the revocation list and the OCSP responder's certificate hold to the root, by OpenSSL; the key is
    made once, and found again by another process.
    """
    first, again = run(token, tmp_path, "start"), run(token, tmp_path, "start", "sign")
    assert first == again
    assert first[0].endswith(" 2"), "a private and a public key"
    place = {name: tmp_path / f"{name}.pem" for name in ("root", "issuing", "list", "good", "bad")}
    chain = ("-x509_strict", "-CAfile", place["root"], "-untrusted", place["issuing"])
    listed = ("-crl_check", "-CRLfile", place["list"])
    assert 0 == openssl("verify", *chain, place["bad"])[0]
    assert 0 == openssl("verify", *chain, *listed, place["good"])[0]
    status, text = openssl("verify", *chain, *listed, place["bad"])
    assert (True, True) == (status != 0, "certificate revoked" in text)
    told = ("-reqin", tmp_path / "question", "-respin", tmp_path / "answer", "-no_nonce", "-CAfile", place["root"])
    about = ("-issuer", place["issuing"], "-cert", place["bad"], "-verify_other", place["issuing"])
    status, text = openssl("ocsp", *told, *about)
    assert (0, True, True) == (status, "Response verify OK" in text, f"{place['bad']}: revoked" in text), text


@pytest.mark.needs("softhsm2")
def test_nothing_leaves_the_token(token: Path, tmp_path: Path) -> None:
    """The key says no, the token says no, and it was made there."""
    refused = "this key is on a token, signs, and does not leave it"
    said = run(token, tmp_path, "read_out")
    assert [refused, refused, "False True", "True True", "it does not leave"] == said


@pytest.mark.needs("softhsm2")
def test_a_lost_session(token: Path, tmp_path: Path) -> None:
    """Signing goes on with another one."""
    [issuer] = run(token, tmp_path, "lose_the_session")
    assert issuer.startswith("certferry Local PKI Issuing")


@pytest.mark.needs("softhsm2")
def test_of_two_first_starts_one_key_stays(token: Path, tmp_path: Path) -> None:
    """Both have the same CA."""
    assert ["True 2"] == run(token, tmp_path, "start_at_once")


@pytest.mark.needs("softhsm2")
def test_what_is_wrong_is_said(token: Path, tmp_path: Path) -> None:
    """A sentence each, which says where and never the PIN; another key is never taken for the CA's."""
    run(token, tmp_path, "start")
    cannot = "cannot be used ("
    deeds = {
        "wrong_pin": cannot,
        "no_token": "the PKCS#11 token 'other'",
        "no_module": cannot,
        "without": "is on a PKCS#11 token: set local_pki.pkcs11_module",
        "gone": "is not on the PKCS#11 token 'certferry' any more",
        "start": "is not on the PKCS#11 token 'certferry' any more",
    }
    for problem, expected in zip(run(token, tmp_path, *deeds), deeds.values(), strict=True):
        assert problem.startswith("problem: "), problem
        assert expected in problem
        assert "wrong-pin" not in problem


@pytest.mark.needs("softhsm2")
def test_where_the_keys_are_sealed_already(token: Path, tmp_path: Path) -> None:
    """A token is chosen before the first start; afterwards it is refused, and nothing is made there."""
    [problem] = run(token, tmp_path, "without", "start")
    assert "sealed in the vault since its first start" in problem
