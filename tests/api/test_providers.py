"""Providers over REST: registered, listed, changed, retired; their secrets shown to nobody."""

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
