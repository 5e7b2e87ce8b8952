"""Imports over REST: PKCS#12 bundles, certificates nobody should have made, names where there is no subject."""

import base64
from collections.abc import Iterator

from cryptography import x509

from adapters.x509.pfx import make_pfx
from adapters.x509.private_keys import to_pkcs8
from tests.adapters.x509.certificates import cn, make, make_ca, san
from tests.api.desk import Desk
from tests.api.test_refusals import refused
from tests.api.walking import API

CERTIFICATES = f"{API}/certificates"
PASSWORD = "pässword-canary"
ISSUER = make_ca("Issuing CA")
MADE = make(cn("www.example.org"), [san("www.example.org")], by=ISSUER)
BUNDLE = make_pfx(name="www", private_key=to_pkcs8(MADE.key), leaf=MADE.der, chain=(ISSUER.der,), password=PASSWORD)
BODY = {"pkcs12": base64.b64encode(BUNDLE).decode(), "password": PASSWORD, "owner": "team", "tags": ["web"]}


async def test_a_pkcs12_bundle_is_imported_whole(desk: Desk) -> None:
    """With key and issuers, owner and tags; the same again in PEM is the same certificate; the password is nowhere."""
    operator = desk.as_("operator")
    answer = await operator.post(CERTIFICATES, json=BODY)
    assert answer.status_code == 201, answer.text
    found = answer.json()
    assert ("www.example.org", True, "team", ["web"]) == tuple(
        found[name] for name in ("common_name", "has_private_key", "owner", "tags")
    )
    await desk.settled()
    chain = await operator.get(f"{answer.headers['Location']}/download", params={"format": "chain"})
    assert ISSUER.pem.strip() == chain.text.strip()
    refused(await operator.post(CERTIFICATES, json={"certificate_pem": MADE.pem}), 409, "already-exists")
    for recorded in await desk.core.house.log.read(0, 1000):
        assert "canary" not in repr(recorded.event)


async def test_what_cannot_be_opened_is_pointed_at(desk: Desk) -> None:
    """A wrong password, no base64, two forms at once, none at all."""
    for body, pointer in (
        (BODY | {"password": "wrong"}, "/password"),
        (BODY | {"pkcs12": "%%%"}, "/pkcs12"),
        (BODY | {"certificate_pem": MADE.pem}, "/certificate_pem"),
        (BODY | {"private_key_pem": MADE.key_pem}, "/private_key_pem"),
        ({"certificate_pem": MADE.pem, "password": "x"}, "/password"),
        ({"owner": "team"}, "/certificate_pem"),
    ):
        answer = await desk.as_("operator").post(CERTIFICATES, json=body)
        problem = refused(answer, 422, "validation-failed")
        assert [pointer] == [error["pointer"] for error in problem["errors"]], body
        assert "wrong" not in answer.text


async def test_an_empty_subject_shows_the_first_alternative_name(desk: Desk) -> None:
    """As RFC 5280, 4.1.2.6 allows it, and many CAs make it."""
    made = make(x509.Name([]), [san("first.example.org", "second.example.org")])
    answer = await desk.as_("operator").post(CERTIFICATES, json={"certificate_pem": made.pem})
    assert (201, "first.example.org") == (answer.status_code, answer.json()["common_name"])


def nasty() -> Iterator[bytes]:
    """Certificates in the manner of x509-limbo: every element of a good one cut, emptied, lengthened, of another type;
    and every length told wrong.
    """
    der = MADE.der
    for at in places(der):
        tag, length = der[at], der[at + 1]
        yield der[:at] + bytes([tag ^ 0x20]) + der[at + 1 :]
        yield der[:at] + bytes([0x05, 0x00]) + der[at + 2 :]
        yield der[:at] + bytes([tag, (length + 1) & 0x7F]) + der[at + 2 :]
        yield der[:at] + bytes([tag, 0x84, 0xFF, 0xFF, 0xFF, 0xFF]) + der[at + 2 :]
        yield der[:at] + bytes([tag, 0x80]) + der[at + 2 :]
        yield der[:at]
    yield der + b"\0"
    yield der * 2
    yield b"\x30\x82\xff\xff" + der[4:]


def places(der: bytes, at: int = 0, end: int | None = None) -> Iterator[int]:
    """Where the elements of DER begin, outermost first."""
    end = len(der) if end is None else end
    while at + 2 <= end:
        yield at
        tag, length, body = der[at], der[at + 1], at + 2
        if length & 0x80:
            body += length & 0x7F
            length = int.from_bytes(der[at + 2 : body], "big")
        if tag & 0x20:
            yield from places(der, body, body + length)
        at = body + length


async def test_certificates_nobody_should_have_made_are_a_422_or_an_import(desk: Desk) -> None:
    """Never a 500: where the parser puts up with it, it is what it says; everything else is pointed at."""
    operator, seen = desk.as_("operator"), set[int]()
    for der in nasty():
        pem = f"-----BEGIN CERTIFICATE-----\n{base64.encodebytes(der).decode()}-----END CERTIFICATE-----\n"
        answer = await operator.post(CERTIFICATES, json={"certificate_pem": pem})
        seen.add(answer.status_code)
        if answer.status_code == 422:
            assert ["/certificate_pem"] == [error["pointer"] for error in answer.json()["errors"]]
    assert 422 in seen
    assert seen <= {201, 409, 422}
