"""Providers over REST: registered, listed, changed, retired; their secrets shown to nobody."""

from adapters.keys.authorities import certificate_pem
from adapters.x509.requests import read_request
from tests.adapters.issuers.external.test_offline import ROOT, Paper
from tests.api.desk import Desk
from tests.api.test_refusals import refused
from tests.api.walking import API

SECRET = "c2VjcmV0LWNhbmFyeQ"
BODY = {
    "provider": "acme",
    "name": "Corporate CA",
    "settings": {"directory_url": "https://acme.example.org/directory", "eab_key_id": "kid"},
    "secrets": {"eab_hmac_key": SECRET},
}


async def test_a_provider_from_registration_to_retirement(desk: Desk) -> None:
    """Which secrets are set is shown, never what they are; what is left out of a change stays."""
    operator = desk.as_("operator")
    answer = await operator.post(f"{API}/providers", json=BODY)
    assert answer.status_code == 201
    assert (["eab_hmac_key"], False) == (answer.json()["secrets_set"], answer.json()["retired"])
    path = answer.headers["Location"]
    changed = await operator.patch(path, json={"name": "Our CA"}, headers={"If-Match": answer.headers["ETag"]})
    assert ("Our CA", ["eab_hmac_key"]) == (changed.json()["name"], changed.json()["secrets_set"])
    position = changed.headers["Event-Position"]
    listed = await desk.as_("auditor").get(f"{API}/providers", params={"min_position": position, "q": "our"})
    assert [changed.json()] == listed.json()["items"]
    found = await desk.as_("requester").get(path, params={"min_position": position})
    assert changed.json() == found.json()
    gone = await operator.delete(path, headers={"If-Match": changed.headers["ETag"]})
    assert gone.status_code == 204
    after = {"min_position": gone.headers["Event-Position"], "retired": "false"}
    assert [] == (await operator.get(f"{API}/providers", params=after)).json()["items"]
    for shown in (answer, changed, listed, found):
        assert SECRET not in shown.text


async def test_wrong_settings_are_pointed_at(desk: Desk) -> None:
    """422 with the place; the secret is not told back."""
    wrong = BODY | {"settings": {"directory_url": "ftp://acme.example.org"}}
    answer = await desk.as_("operator").post(f"{API}/providers", json=wrong)
    problem = refused(answer, 422, "validation-failed")
    assert ["/settings/directory_url"] == [error["pointer"] for error in problem["errors"]]
    assert SECRET not in answer.text
    refused(
        await desk.as_("operator").post(f"{API}/providers", json=BODY | {"provider": "local_pki"}),
        422,
        "validation-failed",
    )


async def test_an_order_without_a_provider_is_refused(desk: Desk) -> None:
    """Nothing is registered: the field to blame is the order's provider."""
    wish = {"mode": "automated", "provider": "acme", "common_name": "www.example.org"}
    problem = refused(await desk.as_("requester").post(f"{API}/orders", json=wish), 422, "validation-failed")
    assert ["/provider"] == [error["pointer"] for error in problem["errors"]]


async def test_what_a_ca_looks_for_is_shown_to_everybody(desk: Desk) -> None:
    """RFC 8555, 8.3: the plain value, without any sign-in; and nothing under other tokens."""
    await desk.core.challenges.show("token-1_A", "token-1_A.thumbprint")
    client = desk.client({})
    answer = await client.get("/.well-known/acme-challenge/token-1_A")
    assert (200, "token-1_A.thumbprint") == (answer.status_code, answer.text)
    for token in ("other", "token-1_A.", "%00"):
        assert (await client.get(f"/.well-known/acme-challenge/{token}")).status_code in (404, 422)
    await desk.core.challenges.hide("token-1_A")
    assert 404 == (await client.get("/.well-known/acme-challenge/token-1_A")).status_code


async def test_an_order_is_carried_to_an_offline_ca(desk: Desk) -> None:
    """Download the request, upload the answer; a wrong one is pointed at, the right one completes the order."""
    operator, requester = desk.as_("operator"), desk.as_("requester")
    settings = {"kind": "offline", "issuers_pem": certificate_pem(ROOT.certificate)}
    body = {"provider": "external_ca", "name": "Cellar", "settings": settings}
    assert 201 == (await operator.post(f"{API}/providers", json=body)).status_code
    await desk.settled()
    wish = {"mode": "automated", "provider": "external_ca", "common_name": "www.example.org"}
    ordered = await requester.post(f"{API}/orders", json=wish | {"subject_alternative_names": ["10.0.0.1"]})
    assert (202, "External CA") == (ordered.status_code, ordered.json()["order_type_label"])
    path = ordered.headers["Location"]
    downloaded = await operator.get(f"{path}/csr")
    assert (200, "application/x-pem-file") == (downloaded.status_code, downloaded.headers["Content-Type"].split(";")[0])
    assert downloaded.text == (await requester.get(f"{path}/csr")).text
    wrong = await requester.post(f"{path}/certificate", json={"certificate_pem": await Paper().answer()})
    problem = refused(wrong, 422, "validation-failed")
    assert ["/certificate_pem"] == [error["pointer"] for error in problem["errors"]]
    right = await Paper().answer(key=read_request(downloaded.text).public_key)
    answer = await requester.post(f"{path}/certificate", json={"certificate_pem": right})
    assert (200, "complete", None) == (answer.status_code, answer.json()["status"], answer.json()["error"])
    again = await requester.post(f"{path}/certificate", json={"certificate_pem": right})
    assert "complete" == refused(again, 409, "invalid-transition")["current_status"]
    refused(await requester.get(f"{path}/csr"), 409, "invalid-transition")
    refused(await requester.get(f"{API}/orders/00000000-0000-4000-8000-000000000000/csr"), 404, "not-found")
    refused(await desk.as_("auditor").get(f"{path}/csr"), 403, "forbidden")
