"""PFX exports over REST: a password that is shown once, a file that leaves once, told before it does."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509 import CertificateSigningRequestBuilder

from adapters.postgres.log import PostgresLog
from application.ports import LogUnavailable
from domain.role_grant import Role
from tests.adapters.x509.certificates import cn, san
from tests.api.desk import Desk
from tests.api.issuing import NAME, ordered
from tests.api.test_refusals import refused
from tests.api.test_secrets import leaks, tables
from tests.api.test_security import signed_in
from tests.api.walking import API, Story
from tests.support.postgres import Pg

KEY = {"Idempotency-Key": "a-key-of-my-own-1"}


async def prepared(desk: Desk, certificate_id: str, who: str = "operator") -> dict[str, Any]:
    return await Story(desk).post(who, f"certificates/{certificate_id}/pfx-exports", status=201)


async def download(desk: Desk, certificate_id: str, export: dict[str, Any], **different: Any) -> httpx.Response:
    """Download by the operator with the right password, unless said otherwise."""
    url = f"{API}/certificates/{certificate_id}/pfx-exports/{export['id']}/download"
    who, headers = different.pop("who", "operator"), different.pop("headers", {})
    return await desk.as_(who).post(url, json={"password": export["password"]} | different, headers=headers)


async def events(desk: Desk, topic: str) -> list[dict[str, Any]]:
    await desk.settled()
    found: list[dict[str, Any]] = (await Story(desk).get("audit-events", type=topic))["items"]
    return found


async def test_the_file_leaves_once_and_opens_with_its_password(desk: Desk) -> None:
    """Leaf, key and issuers, under a name of its own; an event with the export in it; the second time 410."""
    certificate_id = await ordered(desk)
    export = await prepared(desk, certificate_id)
    assert len(export["password"]) == 27
    answer = await download(desk, certificate_id, export)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert answer.headers["content-type"] == "application/x-pkcs12"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{NAME}.pfx"'
    opened = pkcs12.load_pkcs12(answer.content, export["password"].encode())
    assert opened.cert is not None
    assert opened.key is not None
    shown = await Story(desk).get(f"certificates/{certificate_id}")
    assert opened.cert.certificate.fingerprint(hashes.SHA256()).hex() == shown["fingerprint_sha256"]
    assert opened.cert.certificate.public_key() == opened.key.public_key()
    assert [each.certificate.subject for each in opened.additional_certs] == [opened.cert.certificate.issuer]
    refused(await download(desk, certificate_id, export), 410, "export-already-used")
    [event] = await events(desk, "certificate.download_pfx.success")
    assert event["data"]["export_id"] == export["id"]
    assert event["actor"]["id"] == str(desk.people["operator"].id)
    assert answer.headers["Event-Position"] >= str(event["position"])


async def test_of_many_at_once_one_gets_the_file(desk: Desk) -> None:
    """Twelve downloads with the right password: one file, one event, eleven times 410."""
    certificate_id = await ordered(desk)
    export = await prepared(desk, certificate_id)
    answers = await asyncio.gather(*(download(desk, certificate_id, export) for _ in range(12)))
    assert sorted(answer.status_code for answer in answers) == [200, *[410] * 11]
    assert len(await events(desk, "certificate.download_pfx.success")) == 1


async def test_a_wrong_password_is_refused_and_counted_also_in_parallel(desk: Desk) -> None:
    """Three tries in all, however many guess at once; then the right one is worth nothing."""
    certificate_id = await ordered(desk)
    export = await prepared(desk, certificate_id)
    problem = refused(await download(desk, certificate_id, export, password="guess"), 403, "export-password-mismatch")
    assert problem["errors"][0]["pointer"] == "/password"
    guesses = await asyncio.gather(*(download(desk, certificate_id, export, password=f"{n}") for n in range(8)))
    assert sorted(answer.status_code for answer in guesses) == [403, 403, *[410] * 6]
    refused(await download(desk, certificate_id, export), 410, "export-expired")
    counted = [event["data"]["tries_left"] for event in await events(desk, "certificate.pfx_export.refused")]
    assert sorted(counted, reverse=True) == [2, 1, 0]
    assert await events(desk, "certificate.download_pfx.success") == []


async def test_an_export_ends_by_itself(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten minutes after it was made: 410."""
    certificate_id = await ordered(desk)
    export = await prepared(desk, certificate_id)
    now = desk.services.now
    monkeypatch.setattr(type(desk.services), "now", lambda _: now() + timedelta(minutes=10))
    refused(await download(desk, certificate_id, export), 410, "export-expired")


async def test_an_export_is_its_makers_and_its_certificates(desk: Desk) -> None:
    """Another operator, another certificate, an id that names nothing: refused, and the export stays good."""
    certificate_id, other = await ordered(desk), await ordered(desk)
    export = await prepared(desk, certificate_id)
    desk.people["second"] = await desk.employ("second", (Role.OPERATOR,))
    refused(await download(desk, certificate_id, export, who="second"), 403, "forbidden")
    refused(await download(desk, other, export), 404, "not-found")
    refused(await download(desk, certificate_id, export | {"id": str(uuid4())}), 404, "not-found")
    assert (await download(desk, certificate_id, export)).status_code == 200


async def test_only_keys_made_here_leave(desk: Desk) -> None:
    """Imported with its key, ordered with a CSR: 409, and the page's action says why; not there at all: 404."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = CertificateSigningRequestBuilder().subject_name(cn(NAME)).add_extension(san(NAME), critical=False)
    csr = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
    imported = (await Story(desk).imported()).certificate_id
    by_csr = await ordered(desk, mode="csr", csr_pem=csr)
    for certificate_id, said in ((imported, "was imported"), (by_csr, "no private key")):
        answer = await desk.as_("operator").post(f"{API}/certificates/{certificate_id}/pfx-exports")
        assert said in refused(answer, 409, "private-key-not-available")["detail"]
        body = await Story(desk).get(f"certificates/{certificate_id}", "operator")
        [action] = [each for each in body["available_actions"] if each["action"] == "export_pfx"]
        assert (action["allowed"], said in action["reason"]) == (False, True)
    nothing = await desk.as_("operator").post(f"{API}/certificates/{uuid4()}/pfx-exports")
    refused(nothing, 404, "not-found")


async def test_without_the_ledger_no_byte_leaves(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """503, and nothing of the file; the export was not used, so the repeat gets it."""
    certificate_id = await ordered(desk)
    export = await prepared(desk, certificate_id)

    async def away(*_: Any) -> Any:
        raise LogUnavailable

    with monkeypatch.context() as outage:
        outage.setattr(PostgresLog, "append", away)
        refused(await download(desk, certificate_id, export), 503, "unavailable")
    assert (await download(desk, certificate_id, export)).status_code == 200


async def test_neither_password_nor_file_is_repeated_or_kept(desk: Desk, pg: Pg) -> None:
    """A repeat with the same Idempotency-Key gets 409; no table holds the password."""
    certificate_id = await ordered(desk)
    url = f"{API}/certificates/{certificate_id}/pfx-exports"
    made = await desk.as_("operator").post(url, headers=KEY)
    assert (made.status_code, made.headers["Cache-Control"]) == (201, "no-store")
    refused(await desk.as_("operator").post(url, headers=KEY), 409, "idempotency-secret-not-repeated")
    export = made.json()
    wrong = await download(desk, certificate_id, export, password=f"{export['password']}-")
    assert export["password"] not in wrong.text
    assert leaks(tables(pg), {"password": export["password"]}) == []
    assert (await download(desk, certificate_id, export, headers=KEY)).status_code == 200
    repeated = await download(desk, certificate_id, export, headers=KEY)
    refused(repeated, 409, "idempotency-secret-not-repeated")
    assert leaks(tables(pg), {"password": export["password"]}) == []


async def test_the_page_shows_the_password_once_then_downloads(desk: Desk) -> None:
    """Manual: Download PFX, a dialog with the password, Download. Also without scripts; nobody else is offered it."""
    certificate_id = await ordered(desk)
    client, csrf = await signed_in(desk, "operator")
    page = f"/certificates/{certificate_id}"
    assert f'action="{page}/pfx"' in (await client.get(page)).text
    dialog = await client.post(f"{page}/pfx", data={"csrf_token": csrf})
    password = dialog.text.partition('name="password" value="')[2].partition('"')[0]
    action = dialog.text.partition(f'action="{page}/pfx/')[2].partition('"')[0]
    file = await client.post(f"{page}/pfx/{action}", data={"csrf_token": csrf, "password": password})
    assert pkcs12.load_pkcs12(file.content, password.encode()).key is not None
    assert password not in (await client.get(page)).text
    auditor, _ = await signed_in(desk, "auditor")
    assert f'action="{page}/pfx"' not in (await auditor.get(page)).text
