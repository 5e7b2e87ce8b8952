"""Revoking over REST (manual "Revoking a Certificate"); what OpenSSL is told by list and by OCSP."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

from tests.adapters.issuers.status import openssl, pem
from tests.adapters.x509.certificates import cn, make, san
from tests.api.desk import Desk, served
from tests.api.test_refusals import refused
from tests.api.walking import API, Json, Story

OCSP = "application/ocsp-request"
T = TypeVar("T")


async def eventually(ask: Callable[[], Awaitable[T | None]]) -> T:
    """Ask until there is an answer."""
    async with asyncio.timeout(60):
        while (found := await ask()) is None:
            await asyncio.sleep(0.05)
    return found


async def challenge(desk: Desk, certificate_id: str, who: str = "operator", **headers: str) -> Json:
    path = f"{API}/certificates/{certificate_id}/revocation-requests"
    answer = await desk.as_(who).post(path, headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    found: Json = answer.json()
    return found


async def revoke(
    desk: Desk, certificate_id: str, shown: Json, code: str | None = None, who: str = "operator", **different: Any
) -> httpx.Response:
    headers = different.pop("headers", {})
    body = {
        "revocation_request_id": shown["id"],
        "confirmation_code": code or shown["confirmation_code"],
        **different,
    }
    return await desk.as_(who).post(f"{API}/certificates/{certificate_id}/revoke", json=body, headers=headers)


def wrong(shown: Json) -> str:
    return f"{(int(shown['confirmation_code']) + 1) % 1_000_000:06d}"


async def issued(desk: Desk, story: Story) -> Json:
    """A certificate of Local PKI."""
    wish = {"mode": "automated", "provider": "local_pki", "common_name": "www.example.org"}
    order = await story.post("requester", "orders", wish, 202)
    done = await eventually(lambda: _complete(story, order["id"]))
    return await story.get(f"certificates/{done['certificate_id']}")


async def _complete(story: Story, order_id: str) -> Json | None:
    found = await story.get(f"orders/{order_id}")
    return found if found["status"] == "complete" else None


async def test_a_certificate_is_revoked_with_the_code(desk: Desk) -> None:
    """At once, for ever, Black, with reason and comment; the same code fits a second time as little as any other."""
    story = await Story(desk).imported()
    shown = await challenge(desk, story.certificate_id)
    assert set(shown) == {"id", "confirmation_code", "expires_at"}
    answer = await revoke(desk, story.certificate_id, shown, reason="cACompromise", comment="the CA was broken into")
    assert answer.status_code == 200, answer.text
    found = await story.get(f"certificates/{story.certificate_id}")
    assert found == answer.json() | {"available_actions": found["available_actions"]}
    assert ("revoked", "black", "cACompromise", "the CA was broken into") == tuple(
        found[name] for name in ("status", "colour", "revocation_reason", "revocation_comment")
    )
    [revoking] = [action for action in answer.json()["available_actions"] if action["action"] == "revoke"]
    assert not revoking["allowed"]
    assert "revoked already" in revoking["reason"]
    refused(await revoke(desk, story.certificate_id, shown), 409, "already-revoked")
    path = f"{API}/certificates/{story.certificate_id}/revocation-requests"
    refused(await desk.as_("operator").post(path), 409, "already-revoked")


async def test_a_wrong_code_a_used_up_one_and_somebody_elses(desk: Desk) -> None:
    """Three tries; every refusal is told in the certificate's history, and none of it holds a code."""
    story = await Story(desk).imported()
    shown = await challenge(desk, story.certificate_id)
    for left in (2, 1, 0):
        problem = refused(
            await revoke(desk, story.certificate_id, shown, wrong(shown)), 403, "confirmation-code-mismatch"
        )
        assert left == problem["tries_left"]
    refused(await revoke(desk, story.certificate_id, shown), 410, "confirmation-code-expired")
    other = await challenge(desk, story.certificate_id)
    events = (await story.get(f"certificates/{story.certificate_id}/events"))["items"]
    told = [event["type"] for event in events if event["type"].startswith("certificate.revoke.")]
    assert ["requested", "refused", "refused", "refused", "refused", "requested"] == [
        name.rpartition(".")[2] for name in told
    ]
    codes = [event["data"]["code"] for event in events if event["type"] == "certificate.revoke.refused"]
    assert ["confirmation-code-mismatch"] * 3 + ["confirmation-code-expired"] == codes
    assert (await story.get(f"certificates/{story.certificate_id}"))["status"] == "active"
    for secret in (shown["confirmation_code"], other["confirmation_code"]):
        assert f'"{secret}"' not in str(events)


async def test_reasons_and_bodies_are_checked(desk: Desk) -> None:
    """Only the manual's six reasons; an unknown dialog is the field's fault; an unknown certificate is not found."""
    story = await Story(desk).imported()
    shown = await challenge(desk, story.certificate_id)
    refused(await revoke(desk, story.certificate_id, shown, reason="removeFromCRL"), 422, "validation-failed")
    unknown = shown | {"id": "00000000-0000-4000-8000-000000000000"}
    problem = refused(await revoke(desk, story.certificate_id, unknown), 422, "validation-failed")
    assert "/revocation_request_id" == problem["errors"][0]["pointer"]
    nothing = "00000000-0000-4000-8000-000000000000"
    refused(await revoke(desk, nothing, shown), 404, "not-found")
    refused(await desk.as_("operator").post(f"{API}/certificates/{nothing}/revocation-requests"), 404, "not-found")
    stale = await revoke(desk, story.certificate_id, shown, headers={"If-Match": '"9"'})
    refused(stale, 412, "version-conflict")
    assert (await revoke(desk, story.certificate_id, shown)).status_code == 200


async def test_a_repeated_request_shows_no_code_and_a_repeated_revocation_is_the_same(desk: Desk) -> None:
    """Idempotency-Key: the code is not kept; the revocation is, with its body."""
    story = await Story(desk).imported()
    key = {"Idempotency-Key": "one"}
    shown = await challenge(desk, story.certificate_id, **key)
    path = f"{API}/certificates/{story.certificate_id}/revocation-requests"
    refused(await desk.as_("operator").post(path, headers=key), 409, "idempotency-secret-not-repeated")
    first = await revoke(desk, story.certificate_id, shown, headers=key)
    again = await revoke(desk, story.certificate_id, shown, headers=key)
    assert (200, 200, "true") == (first.status_code, again.status_code, again.headers["Idempotency-Replayed"])
    assert first.json() == again.json()
    refused(await revoke(desk, story.certificate_id, shown, wrong(shown), headers=key), 422, "idempotency-key-reused")
    rows = await desk.core.database.rows("SELECT body FROM ops.idempotency")
    assert not [body for (body,) in rows if body and shown["confirmation_code"].encode() in bytes(body)]


async def test_of_many_at_once_one_revokes(desk: Desk) -> None:
    """The same code, eight times at once: one 200, and seven that are told it is done."""
    story = await Story(desk).imported()
    shown = await challenge(desk, story.certificate_id)
    answers = await asyncio.gather(*(revoke(desk, story.certificate_id, shown) for _ in range(8)))
    assert [200] + [409] * 7 == sorted(answer.status_code for answer in answers)


async def test_open_pushes_end_and_new_ones_are_refused(working_desk: Desk) -> None:
    """The work order is superseded, its approval refused, a push refused."""
    desk = working_desk
    story = await (await Story(desk).ready()).pushed()
    await revoke(desk, story.certificate_id, await challenge(desk, story.certificate_id))

    async def ended() -> Json | None:
        found = await story.work_order()
        return found if found["status"] == "superseded" else None

    await eventually(ended)
    push = f"{API}/certificates/{story.certificate_id}/push"
    answer = await desk.as_("requester").post(push, json={})
    assert "certificate-not-active" in answer.text
    assert "superseded" == (await story.work_order())["status"]
    assert "black" == (await story.connector())["colour"]


def question(leaf: x509.Certificate, issuer: x509.Certificate) -> bytes:
    built = ocsp.OCSPRequestBuilder().add_certificate(leaf, issuer, hashes.SHA1()).build()
    return built.public_bytes(serialization.Encoding.DER)


@pytest.mark.needs("openssl")
async def test_clients_are_told_by_list_and_by_ocsp(working_desk: Desk, tmp_path: Path) -> None:
    """The addresses in the certificate work without signing in; OpenSSL refuses it once it is revoked."""
    desk = working_desk
    story, anybody = Story(desk), desk.as_(None)
    certificate = await issued(desk, story)
    download = f"{API}/certificates/{certificate['id']}/download"
    der = x509.load_pem_x509_certificate((await desk.as_("operator").get(download)).content)
    access = der.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    places = {description.access_method._name: description.access_location.value for description in access}
    [point] = der.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert point.full_name is not None
    crl_url = point.full_name[0].value
    issuer_answer = await anybody.get(places["caIssuers"])
    assert "application/pkix-cert" == issuer_answer.headers["content-type"]
    issuer = x509.load_der_x509_certificate(issuer_answer.content)
    der.verify_directly_issued_by(issuer)
    root = tmp_path / "root.pem"
    root.write_text((await anybody.get("/pki/ca.pem")).text)
    issuing = pem(tmp_path / "issuing.pem", issuer_answer.content)
    leaf = pem(tmp_path / "leaf.pem", der.public_bytes(serialization.Encoding.DER))

    async def by_list() -> tuple[int, str]:
        answer = await anybody.get(crl_url)
        assert "application/pkix-crl" == answer.headers["content-type"]
        assert "public" in answer.headers["Cache-Control"]
        again = await anybody.get(crl_url, headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status_code == 304 or again.headers["ETag"] != answer.headers["ETag"]  # it may come just now
        crl = pem(tmp_path / "list.pem", answer.content, "X509 CRL")
        return openssl("verify", "-crl_check", "-CAfile", root, "-untrusted", issuing, "-CRLfile", crl, leaf)

    async def by_ocsp() -> str:
        request, answer = tmp_path / "request.der", tmp_path / "answer.der"
        openssl("ocsp", "-issuer", issuing, "-cert", leaf, "-reqout", request)
        told = await anybody.post(places["OCSP"], content=request.read_bytes(), headers={"Content-Type": OCSP})
        assert (200, "no-store") == (told.status_code, told.headers["Cache-Control"])
        answer.write_bytes(told.content)
        files = ("-reqin", request, "-no_nonce", "-respin", answer, "-issuer", issuing, "-cert", leaf, "-CAfile", root)
        status, text = openssl("ocsp", *files)
        assert status == 0, text
        assert "Response verify OK" in text
        return text

    assert 0 == (await by_list())[0]
    assert ": good" in await by_ocsp()
    shown = await challenge(desk, certificate["id"])
    assert (await revoke(desk, certificate["id"], shown, reason="keyCompromise")).status_code == 200
    for text in (await by_ocsp(), await over_the_network(desk, issuing, leaf, root)):
        assert ": revoked" in text
        assert "Reason: keyCompromise" in text

    async def on_the_list() -> str | None:
        status, said = await by_list()
        return said if status != 0 else None

    assert "certificate revoked" in await eventually(on_the_list)

    async def notice() -> Json | None:
        found = await story.get(f"certificates/{certificate['id']}")
        return found["revocation_notice"]  # type: ignore[no-any-return] # null at first

    told = await eventually(notice)
    assert ("informed", False, True) == (told["state"], told["retrying"], "list number" in told["message"])


async def over_the_network(desk: Desk, issuing: Path, leaf: Path, root: Path) -> str:
    """`openssl ocsp -url`: its own request, whose nonce is repeated."""
    async with served(desk.app) as url:
        asked = ("-issuer", issuing, "-cert", leaf, "-CAfile", root, "-url", f"{url}/pki/ocsp")
        status, text = await asyncio.to_thread(openssl, "ocsp", *asked)
    assert (0, True, False) == (status, "Response verify OK" in text, "WARNING" in text), text
    return text


async def test_people_say_that_they_told_the_ca(working_desk: Desk) -> None:
    """Of an imported certificate nobody else can: an alert until then, known afterwards, and told once."""
    desk, story = working_desk, Story(working_desk)
    made = make(cn("old.example.org"), [san("old.example.org")])
    certificate = await story.post("operator", "certificates", {"certificate_pem": made.pem}, 201)
    notice = f"certificates/{certificate['id']}/revocation-notice"
    await revoke(desk, certificate["id"], await challenge(desk, certificate["id"]))

    async def alerts(is_open: bool) -> Json | None:
        query: dict[str, str | bool] = {"kind": "ca_not_informed", "open": is_open}
        items = (await desk.as_("operator").get(f"{API}/alerts", params=query)).json()["items"]
        return next((item for item in items if item["subject_id"] == certificate["id"]), None)

    assert "old.example.org" in (await eventually(lambda: alerts(is_open=True)))["message"]
    told = await story.post("operator", f"{notice}/told", {"comment": "by telephone"}, 200)
    assert ("informed", False) == (told["revocation_notice"]["state"], told["revocation_notice"]["retrying"])
    assert await eventually(lambda: alerts(is_open=False))
    for act in ("told", "retry"):
        refused(await desk.as_("operator").post(f"{API}/{notice}/{act}"), 409, "invalid-transition")


async def test_a_question_by_get_may_be_kept_by_caches(desk: Desk) -> None:
    """Base64 in the address, with slashes in it or escaped; what is no question is answered as malformed."""
    anybody = desk.as_(None)
    issuer = desk.core.local_pki.issuing.certificate
    for serial in range(1, 40):  # so that there are slashes and plus signs in some
        builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
            b"\xff" * 20, b"\xfe" * 20, serial * 0xFFFFEF, hashes.SHA1()
        )
        encoded = base64.b64encode(builder.build().public_bytes(serialization.Encoding.DER)).decode()
        for text in (encoded, quote(encoded, safe="")):
            answer = await anybody.get(f"/pki/ocsp/{text}")
            found = ocsp.load_der_ocsp_response(answer.content)
            assert ocsp.OCSPResponseStatus.UNAUTHORIZED is found.response_status, text
    mine = base64.b64encode(question(issuer, issuer)).decode()
    assert 200 == (await anybody.get(f"/pki/ocsp/{mine}")).status_code
    nonsense = await anybody.get("/pki/ocsp/nonsense")
    assert ocsp.OCSPResponseStatus.MALFORMED_REQUEST is ocsp.load_der_ocsp_response(nonsense.content).response_status
    refused(await anybody.post("/pki/ocsp", json={}), 415, "unsupported-media-type")
    for name in ("0" * 40, "nonsense"):
        refused(await anybody.get(f"/pki/crl/{name}.crl"), 404, "not-found")
        refused(await anybody.get(f"/pki/crl/{name}"), 404, "not-found")
        refused(await anybody.get(f"/pki/ca/{name}.crt"), 404, "not-found")
