"""The OCSP responder of Local PKI, asked by OpenSSL (RFC 6960)."""

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from adapters.issuers.local_pki_ocsp import KEPT_FOR, RESPONDER_LIFETIME, RESPONDER_PERIOD
from adapters.keys.authorities import certificate_der
from adapters.x509.parsing import ParsedCertificate
from tests.adapters.issuers.status import Bench, bench, openssl, pem
from tests.adapters.issuers.test_linted import said


@pytest.fixture
async def pki() -> Bench:
    return await bench()


def asked(
    pki: Bench,
    found: ParsedCertificate,
    *,
    nonce: bytes | None = None,
    algorithm: hashes.HashAlgorithm | None = None,
    issuer: x509.Certificate | None = None,
) -> bytes:
    leaf = x509.load_der_x509_certificate(found.der)
    builder = ocsp.OCSPRequestBuilder().add_certificate(
        leaf, issuer or pki.pki.issuing.certificate, algorithm or hashes.SHA1()
    )
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.build().public_bytes(serialization.Encoding.DER)


async def answered(pki: Bench, request: bytes) -> ocsp.OCSPResponse:
    return ocsp.load_der_ocsp_response((await pki.ocsp.answer(request)).der)


@pytest.mark.needs("openssl")
async def test_openssl_is_told(pki: Bench, tmp_path: Path) -> None:
    """Good; then revoked, since when and why; unknown of what was never issued. The signature holds to the root."""
    root, issuing = tmp_path / "root.pem", pem(tmp_path / "issuing.pem", certificate_der(pki.pki.issuing.certificate))
    root.write_text(pki.pki.root_pem)
    found = await pki.issue()
    leaf, request, answer = pem(tmp_path / "leaf.pem", found.der), tmp_path / "request.der", tmp_path / "answer.der"

    async def told() -> str:
        assert 0 == openssl("ocsp", "-issuer", issuing, "-cert", leaf, "-reqout", request)[0]
        answer.write_bytes((await pki.ocsp.answer(request.read_bytes())).der)
        told = ("-reqin", request, "-no_nonce", "-respin", answer, "-issuer", issuing, "-cert", leaf, "-CAfile", root)
        status, text = openssl("ocsp", *told, "-verify_other", issuing)
        assert status == 0, text
        assert "Response verify OK" in text
        assert "WARNING" not in text, "the nonce is repeated"
        return text

    assert f"{leaf}: good" in await told()
    pki.revoke(found, "cessationOfOperation")
    text = await told()
    assert f"{leaf}: revoked" in text
    assert "Reason: cessationOfOperation" in text
    assert "Revocation Time: " in text
    pki.rows.clear()
    assert f"{leaf}: unknown" in await told()


@pytest.mark.parametrize("algorithm", [hashes.SHA1(), hashes.SHA256()])
async def test_the_issuer_may_be_named_by_either_hash(pki: Bench, algorithm: hashes.HashAlgorithm) -> None:
    """SHA-1, as nearly all clients do, and SHA-256; the answer says it as the question did."""
    found = await answered(pki, asked(pki, await pki.issue(), algorithm=algorithm))
    assert ocsp.OCSPCertStatus.GOOD is found.certificate_status
    assert algorithm.name == found.hash_algorithm.name


async def test_another_issuer_is_none_of_ours(pki: Bench) -> None:
    """Unauthorized, without a signature: nobody makes the service sign for strangers."""
    root = x509.load_pem_x509_certificate(pki.pki.root_pem.encode())
    found = await answered(pki, asked(pki, await pki.issue(), issuer=root))
    assert ocsp.OCSPResponseStatus.UNAUTHORIZED is found.response_status


async def test_an_imported_certificate_that_claims_our_issuer_is_unknown(pki: Bench) -> None:
    """What the responder says good of was issued here."""
    found = await answered(pki, asked(pki, await pki.issue(provider="external_ca")))
    assert ocsp.OCSPCertStatus.UNKNOWN is found.certificate_status


@pytest.mark.parametrize("request_", [b"", b"nonsense", b"\x30\x03\x02\x01\x01", b"\x30" * 5000])
async def test_what_cannot_be_read_is_malformed(pki: Bench, request_: bytes) -> None:
    """Whatever it is."""
    found = await pki.ocsp.answer(request_)
    assert ocsp.OCSPResponseStatus.MALFORMED_REQUEST is ocsp.load_der_ocsp_response(found.der).response_status
    assert found.lasting is None


async def test_a_nonce_is_bounded(pki: Bench) -> None:
    """32 octets are repeated, 33 are not taken (RFC 8954, 2.1)."""
    one = await pki.issue()
    longest = await answered(pki, asked(pki, one, nonce=b"n" * 32))
    assert b"n" * 32 == longest.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce
    too_long = await answered(pki, asked(pki, one, nonce=b"n" * 33))
    assert ocsp.OCSPResponseStatus.MALFORMED_REQUEST is too_long.response_status


async def test_an_answer_without_a_nonce_is_signed_once(pki: Bench) -> None:
    """The same bytes for an hour; at once other ones when it is revoked; one with a nonce is never kept."""
    one = await pki.issue()
    question = asked(pki, one)
    first = await pki.ocsp.answer(question)
    pki.now += KEPT_FOR - timedelta(seconds=1)
    assert first == await pki.ocsp.answer(question)
    pki.revoke(one, "superseded")
    revoked = await pki.ocsp.answer(question)
    assert ocsp.OCSPCertStatus.REVOKED is ocsp.load_der_ocsp_response(revoked.der).certificate_status
    pki.now += KEPT_FOR
    assert revoked != await pki.ocsp.answer(question)
    assert (await pki.ocsp.answer(asked(pki, one, nonce=b"once"))).lasting is None


async def test_the_responder_is_delegated_and_changes(pki: Bench) -> None:
    """Signed by the CA for OCSP alone; the same in every process; another one after a few days."""
    one = await pki.issue()

    async def responder() -> x509.Certificate:
        [found] = (await answered(pki, asked(pki, one, nonce=b"n"))).certificates
        return found

    first = await responder()
    pki.start()
    assert first == await responder()
    usage = first.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [ExtendedKeyUsageOID.OCSP_SIGNING] == list(usage)
    first.verify_directly_issued_by(pki.pki.issuing.certificate)
    latest = first
    for _ in range(8):
        pki.now += RESPONDER_PERIOD
        latest = await responder()
        assert pki.now + RESPONDER_LIFETIME / 2 < latest.not_valid_after_utc
    assert first != latest
    kept = [name for names in pki.vault._secrets.values() for name in names]
    assert len(kept) < 6, "old keys are forgotten"


async def test_answers_and_responder_are_clean(pki: Bench, tmp_path: Path) -> None:
    """pkilint has nothing to say of them, good or revoked."""
    one = await pki.issue()
    for revoked in (False, True):
        if revoked:
            pki.revoke(one, "keyCompromise")
        der = (await pki.ocsp.answer(asked(pki, one))).der
        file = tmp_path / "answer.der"
        file.write_bytes(der)
        assert (0, "") == said("lint_ocsp_response", file, options=("--document-format", "DER"))
    [responder] = ocsp.load_der_ocsp_response(der).certificates
    assert (0, "") == said("lint_pkix_cert", pem(tmp_path / "responder.pem", certificate_der(responder)))
