"""The service as an ACME server (RFC 8555), asked by a client that was written from the RFC."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from adapters.simulated.looking import SimulatedLooker
from application.acme_ports import Patience
from application.house import append, load, write
from application.issuing_ports import NotYet
from domain import ids
from domain.acme_order import ChallengeFlaw
from domain.certificate import CERTIFICATE, CertificateRenewed
from tests.api.acme_desk import NAMES, client, context, eab, finalize, id_of, issue, look, order, validate
from tests.api.desk import Desk, in_one_task, only_read_models, open_desk
from tests.support.acme_client import AcmeClient, PrivateKey, b64, binding, jwk_of, jws, request_for
from tests.support.postgres import PostgresServer, database

API = "/api/v1"
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """One service for all of these tests: each has accounts of its own."""
    with database(postgres_server) as pg:
        async with in_one_task(open_desk(pg, tmp_path_factory.mktemp("data"), work=only_read_models)) as opened:
            yield opened


ERROR = "urn:ietf:params:acme:error:"


async def test_from_the_directory_to_the_certificate(desk: Desk) -> None:
    """Account, order, validation, finalize, certificate; and everything of it is in inventory, orders and ledger."""
    acme = await AcmeClient(desk.client()).begin()
    assert acme.directory["meta"] == {"externalAccountRequired": True, "caaIdentities": ["certferry.test"]}
    opened = await acme.open(*await eab(desk))
    assert (201, "valid") == (opened.status_code, opened.json()["status"])
    made = await order(acme)
    url, body = made.headers["Location"], made.json()
    assert ("pending", [{"type": "dns", "value": name} for name in NAMES]) == (body["status"], body["identifiers"])
    authorization = (await acme.get(body["authorizations"][0])).json()
    assert ["http-01", "dns-01"] == [challenge["type"] for challenge in authorization["challenges"]]
    assert {"type": "dns", "value": "www.example.org"} == authorization["identifier"]
    looker = await validate(desk, acme, url)
    assert list(NAMES) == [name for name, _ in looker.looks]
    assert "ready" == (await acme.get(url)).json()["status"]
    key = ec.generate_private_key(ec.SECP256R1())
    done = await finalize(acme, url, key=key)
    assert (200, "processing", "1") == (done.status_code, done.json()["status"], done.headers["Retry-After"])
    certificate_id = await issue(desk, url)
    valid = (await acme.get(url)).json()
    assert "valid" == valid["status"]
    chain = await acme.get(valid["certificate"])
    assert "application/pem-certificate-chain" == chain.headers["Content-Type"]
    leaf, issuer = x509.load_pem_x509_certificates(chain.content)
    assert key.public_key() == leaf.public_key()
    assert set(NAMES) == set(
        leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    )
    leaf.verify_directly_issued_by(issuer)
    await desk.settled()
    auditor = desk.as_("auditor")
    certificate = (await auditor.get(f"{API}/certificates/{certificate_id}")).json()
    assert ("local_pki", "www.example.org", False) == (
        certificate["provider"],
        certificate["common_name"],
        certificate["has_private_key"],
    )
    account_id, owner = str(id_of(opened.headers["Location"])), str(desk.people["requester"].id)
    [ordered] = (await auditor.get(f"{API}/orders", params={"requested_by": account_id})).json()["items"]
    assert ("acme_client", account_id, owner) == tuple(
        ordered["requested_by"][name] for name in ("kind", "id", "on_behalf_of")
    )
    asked = {"type": "acme.*", "subject": str(id_of(url))}
    told = (await auditor.get(f"{API}/audit-events", params=asked)).json()["items"]
    told.sort(key=lambda event: event["position"])
    judged = ["acme.order.challenge.answered", "acme.order.authorization.valid"]
    assert ["acme.order.created", *judged, *judged, "acme.order.finalized"] == [event["type"] for event in told]
    assert 1 == len({event["correlation_id"] for event in told if event["actor"]["kind"] == "acme_client"})


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
        ed25519.Ed25519PrivateKey.generate(),
        rsa.generate_private_key(65537, 2048),
    ],
    ids=["ES256", "ES384", "EdDSA", "RS256"],
)
async def test_keys_of_every_kind_open_accounts(desk: Desk, key: PrivateKey) -> None:
    """The same key again is the same account, without a binding."""
    acme = await client(desk, key=key)
    known, acme.account = acme.account, None
    again = await acme.post(acme.directory["newAccount"], {"onlyReturnExisting": True})
    assert (200, known) == (again.status_code, again.headers["Location"])


@pytest.mark.parametrize(
    "key",
    [rsa.generate_private_key(65537, 1024), ec.generate_private_key(ec.SECP521R1())],
    ids=["rsa-1024", "P-521"],
)
async def test_keys_that_are_not_accepted(desk: Desk, key: PrivateKey) -> None:
    """badPublicKey."""
    acme = await AcmeClient(desk.client(), key).begin()
    _refused(await acme.open(*await eab(desk)), 400, "badPublicKey")


async def test_a_nonce_is_used_once_in_all_processes(desk: Desk) -> None:
    """The second use, one that was never given and one without any: badNonce, with a fresh one beside it."""
    acme = await client(desk)
    assert acme.account is not None
    used = acme.nonce
    assert 200 == (await acme.get(acme.account)).status_code
    for nonce in (used, "bm9uY2U", "", None):
        answer = await acme.post(acme.account, {}, nonce=nonce)
        _refused(answer, 400, "badNonce")
        assert answer.headers["Replay-Nonce"] != used
    assert 200 == (await acme.get(acme.account)).status_code


async def test_a_request_that_was_changed_or_is_for_another_address_is_refused(desk: Desk) -> None:
    """Signature, url, algorithm, critical extensions, unprotected headers, content type: all are checked."""
    acme = await client(desk)
    assert acme.account is not None
    header = {"kid": acme.account, "url": acme.account}
    signed = jws(acme.key, header | {"nonce": acme.nonce}, b"{}")
    _refused(await acme.send(acme.account, signed | {"payload": b64(b'{"status":"deactivated"}')}), 403, "unauthorized")
    _refused(await acme.post(acme.account, {}, url=acme.directory["newOrder"]), 400, "malformed")
    for algorithm in ("none", "HS256", "RS256"):
        answer = await acme.post(acme.account, {}, alg=algorithm)
        assert "EdDSA" in _refused(answer, 400, "badSignatureAlgorithm")["algorithms"]
    _refused(await acme.post(acme.account, {}, crit=["exp"]), 400, "malformed")
    _refused(await acme.post(acme.account, {}, jwk=acme.jwk), 400, "malformed")
    _refused(await acme.send(acme.account, signed | {"header": {}}), 400, "malformed")
    _refused(await acme.send(acme.account, signed, "application/json"), 415, "malformed")
    _refused(await acme.send(acme.account, b"[" * 1000), 400, "malformed")
    _refused(await acme.send(acme.account, b"x" * 200_000), 413, "malformed")
    _refused(await acme.http.get(acme.account), 405, "malformed")
    _refused(await acme.post(acme.account, {}, kid=f"{acme.account[:-4]}0000"), 400, "accountDoesNotExist")


async def test_without_a_binding_there_is_no_account(desk: Desk) -> None:
    """None, one of an unknown or a revoked key, with a wrong code, for another key, for another address."""
    acme = await AcmeClient(desk.client()).begin()
    url = acme.directory["newAccount"]
    _refused(await acme.post(url, {}), 403, "externalAccountRequired")
    _refused(await acme.post(url, {"onlyReturnExisting": True}), 400, "accountDoesNotExist")
    kid, mac_key = await eab(desk)
    _refused(await acme.open(str(id_of(f"/{kid}")), b64(bytes(32))), 403, "unauthorized")
    _refused(await acme.open("someone", mac_key), 403, "unauthorized")
    other = jwk_of(ec.generate_private_key(ec.SECP256R1()))
    for wrong in (binding(kid, mac_key, url, other), binding(kid, mac_key, f"{url}s", acme.jwk)):
        _refused(await acme.post(url, {"externalAccountBinding": wrong}), 400, "malformed")
    nobody = await eab(desk, "auditor")
    _refused(await acme.open(*nobody), 403, "unauthorized")
    assert 201 == (await acme.open(kid, mac_key)).status_code


@pytest.mark.parametrize(
    ("contact", "kind"),
    [("tel:+431234", "unsupportedContact"), ("mailto:a@b.org,c@d.org", "invalidContact")],
)
async def test_contacts_are_checked_and_not_kept(desk: Desk, contact: str, kind: str) -> None:
    """RFC 8555, 7.3: mailto, one address."""
    acme = await AcmeClient(desk.client()).begin()
    key = await eab(desk)
    _refused(await acme.open(*key, contact=[contact]), 400, kind)
    answer = await acme.open(*key, contact=["mailto:owner@example.org"])
    assert (201, False) == (answer.status_code, "contact" in answer.json())


async def test_accounts_change_keys_and_are_given_up(desk: Desk) -> None:
    """The new key works, the former one is nobody's; a key of another account is not taken; deactivated is for ever."""
    acme, other = await client(desk), await client(desk)
    assert acme.account is not None
    url, fresh = acme.directory["keyChange"], ec.generate_private_key(ec.SECP256R1())

    def change(key: PrivateKey) -> dict[str, str]:
        payload = json.dumps({"account": acme.account, "oldKey": acme.jwk})
        return jws(key, {"jwk": jwk_of(key), "url": url}, payload.encode())

    taken = await acme.post(url, change(other.key))
    _refused(taken, 409, "malformed")
    assert other.account == taken.headers["Location"]
    assert 200 == (await acme.post(url, change(fresh))).status_code
    _refused(await acme.get(acme.account), 403, "unauthorized")
    acme.key = fresh
    assert 200 == (await acme.get(acme.account)).status_code
    given_up = await acme.post(acme.account, {"status": "deactivated"})
    assert "deactivated" == given_up.json()["status"]
    _refused(await acme.get(acme.account), 401, "unauthorized")


async def test_what_belongs_to_others_is_not_shown(desk: Desk) -> None:
    """Order, authorization, challenge, certificate, account: unauthorized for another account."""
    acme, other = await client(desk), await client(desk)
    made = await order(acme)
    url, authorization = made.headers["Location"], made.json()["authorizations"][0]
    for address in (url, authorization, f"{url}/certificate", f"{url}/finalize", acme.account or ""):
        _refused(await other.get(address), 403, "unauthorized")
    [challenge, _] = (await acme.get(authorization)).json()["challenges"]
    _refused(await other.post(challenge["url"], {}), 403, "unauthorized")


@pytest.mark.parametrize(
    ("identifier", "kind"),
    [
        ({"type": "ip", "value": "192.0.2.1"}, "unsupportedIdentifier"),
        ({"type": "dns", "value": "192.0.2.1"}, "rejectedIdentifier"),
        ({"type": "dns", "value": "a..example.org"}, "rejectedIdentifier"),
        ({"type": "dns", "value": "*.*.example.org"}, "rejectedIdentifier"),
        ({"type": "dns", "value": "xn--zzzz--.example.org"}, "rejectedIdentifier"),
        ({"type": "dns", "value": "x\u0000.example.org"}, "rejectedIdentifier"),
        ({"type": "dns", "value": "x" * 300}, "malformed"),
    ],
)
async def test_names_that_are_not_certified(desk: Desk, identifier: dict[str, str], kind: str) -> None:
    """DNS names only, proper ones."""
    acme = await client(desk)
    _refused(await acme.post(acme.directory["newOrder"], {"identifiers": [identifier]}), 400, kind)


async def test_orders_that_ask_for_too_much(desk: Desk) -> None:
    """101 names, none, a validity of their own."""
    acme = await client(desk)
    names = [{"type": "dns", "value": f"h{n}.example.org"} for n in range(101)]
    lasting: dict[str, Any] = {"identifiers": names[:1], "notAfter": "2030-01-01T00:00:00Z"}
    too_many: dict[str, Any] = {"identifiers": names}
    for body in (too_many, too_many | {"identifiers": []}, lasting):
        _refused(await acme.post(acme.directory["newOrder"], body), 400, "malformed")


async def test_a_wildcard_takes_dns_01(desk: Desk) -> None:
    """http-01 says nothing about the names below (RFC 8555, 8.3)."""
    acme = await client(desk)
    made = await order(acme, "*.example.org")
    [url] = made.json()["authorizations"]
    shown = (await acme.get(url)).json()
    assert (True, "example.org", ["dns-01"]) == (
        shown["wildcard"],
        shown["identifier"]["value"],
        [challenge["type"] for challenge in shown["challenges"]],
    )
    elsewhere = shown["challenges"][0]["url"].replace("dns-01", "http-01")
    _refused(await acme.post(elsewhere, {}), 404, "malformed")
    await validate(desk, acme, made.headers["Location"])
    await finalize(acme, made.headers["Location"], "*.example.org")
    await issue(desk, made.headers["Location"])


async def test_what_fails_ends_the_order(desk: Desk) -> None:
    """The challenge, its authorization and the order are invalid, with the reason; finalize is refused."""
    acme = await client(desk)
    made = await order(acme, "www.example.org")
    url, [authorization] = made.headers["Location"], made.json()["authorizations"]
    [challenge, _] = (await acme.get(authorization)).json()["challenges"]
    await acme.post(challenge["url"], {})
    looker = SimulatedLooker()
    looker.flaws["www.example.org"] = ChallengeFlaw("connection", "Nobody is there.")
    await look(desk, looker, id_of(url), 0)
    shown = (await acme.get(authorization)).json()
    assert ("invalid", 1, f"{ERROR}connection") == (
        shown["status"],
        len(shown["challenges"]),
        shown["challenges"][0]["error"]["type"],
    )
    ended = (await acme.get(url)).json()
    assert ("invalid", "Nobody is there.") == (ended["status"], ended["error"]["detail"])
    _refused(await finalize(acme, url, "www.example.org"), 403, "orderNotReady")


async def test_what_is_not_met_yet_is_looked_at_again(desk: Desk) -> None:
    """By a later job, for a while: the client sees `processing` meanwhile, and no job sits there waiting."""
    acme = await client(desk)
    made = await order(acme)
    url, authorizations = made.headers["Location"], made.json()["authorizations"]
    for authorization in authorizations:
        [challenge, _] = (await acme.get(authorization)).json()["challenges"]
        await acme.post(challenge["url"], {})
    looker = SimulatedLooker(Patience(seconds=20, pause=3))
    looker.flaws = {name: ChallengeFlaw("connection", "Nobody is there yet.") for name in NAMES}
    for number in range(len(NAMES)):
        with pytest.raises(NotYet) as later:
            await look(desk, looker, id_of(url), number, seconds_ago=10)
        assert 3 == later.value.seconds
    [shown, _] = (await acme.get(authorizations[0])).json()["challenges"]
    assert "processing" == shown["status"]
    del looker.flaws[NAMES[0]]
    await look(desk, looker, id_of(url), 0, seconds_ago=19)
    await look(desk, looker, id_of(url), 1, seconds_ago=20)
    assert ["valid", "invalid"] == [(await acme.get(each)).json()["status"] for each in authorizations]
    looks = len(looker.looks)
    await look(desk, looker, id_of(url), 1)
    assert looks == len(looker.looks)


async def test_an_authorization_can_be_given_up(desk: Desk) -> None:
    """RFC 8555, 7.5.2."""
    acme = await client(desk)
    made = await order(acme)
    given_up = await acme.post(made.json()["authorizations"][0], {"status": "deactivated"})
    assert "deactivated" == given_up.json()["status"]
    assert "invalid" == (await acme.get(made.headers["Location"])).json()["status"]


async def test_one_finalize_issues_one_certificate(desk: Desk) -> None:
    """The same request again, also after a crash, is the same certificate order; another request is refused."""
    acme = await client(desk)
    url = (await order(acme)).headers["Location"]
    _refused(await finalize(acme, url), 403, "orderNotReady")
    await validate(desk, acme, url)
    body = {"csr": request_for(NAMES)}
    assert "processing" == (await acme.post(f"{url}/finalize", body)).json()["status"]
    assert "processing" == (await acme.post(f"{url}/finalize", body)).json()["status"]
    _refused(await finalize(acme, url), 403, "orderNotReady")
    first = await issue(desk, url)
    assert "valid" == (await acme.post(f"{url}/finalize", body)).json()["status"]
    assert first == await issue(desk, url)
    await desk.settled()
    asked = {"requested_by": str(id_of(acme.account or ""))}
    assert 1 == len((await desk.as_("auditor").get(f"{API}/orders", params=asked)).json()["items"])


async def test_requests_that_do_not_fit_the_order(desk: Desk) -> None:
    """Other names, fewer, the account's own key, nonsense: badCSR, and the order stays ready."""
    key = ec.generate_private_key(ec.SECP256R1())
    acme = await client(desk, key=key)
    url = (await order(acme)).headers["Location"]
    await validate(desk, acme, url)
    _refused(await finalize(acme, url, *NAMES, "other.example.org"), 400, "badCSR")
    _refused(await finalize(acme, url, NAMES[0]), 400, "badCSR")
    _refused(await finalize(acme, url, key=key), 400, "badCSR")
    for csr in ("AAAA", "not base64url", ""):
        _refused(await acme.post(f"{url}/finalize", {"csr": csr}), 400, "badCSR")
    assert "ready" == (await acme.get(url)).json()["status"]


async def test_issuance_policies_hold_for_acme_clients(desk: Desk) -> None:
    """A hard rule refuses the request: the certificate order is there as failed; another request may do."""
    rule = {"name": "long keys", "domains": ["strict.example.org"], "minimum_ec_bits": 384}
    policy = {"name": "Strict", "rules": [rule]}
    assert 201 == (await desk.as_("admin").post(f"{API}/issuance-policies", json=policy)).status_code
    acme = await client(desk)
    url = (await order(acme, "strict.example.org")).headers["Location"]
    await validate(desk, acme, url)
    for _ in range(2):
        problem = _refused(await finalize(acme, url, "strict.example.org"), 400, "rejectedIdentifier")
        assert "at least 384 bits" in problem["detail"]
    assert "ready" == (await acme.get(url)).json()["status"]
    long_key = ec.generate_private_key(ec.SECP384R1())
    assert 200 == (await finalize(acme, url, "strict.example.org", key=long_key)).status_code
    await issue(desk, url)
    await desk.settled()
    asked = {"requested_by": str(id_of(acme.account or ""))}
    items = (await desk.as_("auditor").get(f"{API}/orders", params=asked)).json()["items"]
    assert ["complete", "failed", "failed"] == [item["status"] for item in items]


async def test_who_may_no_longer_order_gets_nothing(desk: Desk) -> None:
    """The principal lost its role: orders and finalize are refused, whatever was validated."""
    acme = await client(desk, "lead")
    url = (await order(acme)).headers["Location"]
    await validate(desk, acme, url)
    await desk.settled()
    owner = desk.people["lead"].id
    path = f"{API}/principals/{owner}/grants/requester"
    principal = await desk.as_("admin").get(f"{API}/principals/{owner}")
    gone = await desk.as_("admin").delete(path, headers={"If-Match": principal.headers["ETag"]})
    assert gone.status_code == 200
    _refused(await finalize(acme, url), 403, "unauthorized")
    identifiers = [{"type": "dns", "value": NAMES[0]}]
    _refused(await acme.post(acme.directory["newOrder"], {"identifiers": identifiers}), 403, "unauthorized")


async def test_when_to_renew(desk: Desk) -> None:
    """RFC 9773: a window for the certificate, and `replaces` once, by the account that has it."""
    acme, other = await client(desk), await client(desk)
    url = (await order(acme)).headers["Location"]
    await validate(desk, acme, url)
    await finalize(acme, url)
    await issue(desk, url)
    leaf = x509.load_pem_x509_certificates((await acme.get(f"{url}/certificate")).content)[0]
    name = _certificate_name(leaf)
    answer = await acme.http.get(f"{acme.directory['renewalInfo']}/{name}")
    assert (200, "21600") == (answer.status_code, answer.headers["Retry-After"])
    window = answer.json()["suggestedWindow"]
    assert (
        leaf.not_valid_before_utc.isoformat() < window["start"] < window["end"] < leaf.not_valid_after_utc.isoformat()
    )
    for unknown in (f"{name[:-4]}AAAA", "AAAA.AQ"):
        _refused(await acme.http.get(f"{acme.directory['renewalInfo']}/{unknown}"), 404, "malformed")
    _refused(await acme.http.get(f"{acme.directory['renewalInfo']}/nonsense"), 400, "malformed")
    wish = {"identifiers": [{"type": "dns", "value": NAMES[0]}], "replaces": name}
    _refused(await other.post(acme.directory["newOrder"], wish), 400, "malformed")
    made = await acme.post(acme.directory["newOrder"], wish)
    assert (201, name) == (made.status_code, made.json()["replaces"])
    follower = made.headers["Location"]
    await validate(desk, acme, follower)
    assert 200 == (await finalize(acme, follower, NAMES[0])).status_code
    _refused(await acme.post(acme.directory["newOrder"], wish), 409, "alreadyReplaced")
    await issue(desk, follower)
    [successor] = x509.load_pem_x509_certificates((await acme.get(f"{follower}/certificate")).content)[:1]
    old, new = await _in_inventory(desk, leaf), await _in_inventory(desk, successor)
    assert (new["id"], old["id"]) == (old["renewed_to"], new["renewed_from"])


async def test_what_was_renewed_otherwise_is_not_replaced(desk: Desk) -> None:
    """It has its successor already, whoever ordered that."""
    acme = await client(desk)
    leaf = await _issued(desk, acme, ec.generate_private_key(ec.SECP256R1()))
    old, house = await _in_inventory(desk, leaf), desk.core.house
    known = await load(house, CERTIFICATE, UUID(old["id"]))
    event = CertificateRenewed(meta=context(desk).meta, renewed_to=uuid4())
    await append(house, context(desk), write(known, (event,)))
    wish = {"identifiers": [{"type": "dns", "value": NAMES[0]}], "replaces": _certificate_name(leaf)}
    _refused(await acme.post(acme.directory["newOrder"], wish), 409, "alreadyReplaced")


async def _in_inventory(desk: Desk, certificate: x509.Certificate) -> dict[str, Any]:
    found = ids.certificate_id(certificate.fingerprint(hashes.SHA256()).hex())
    await desk.settled()
    answer = await desk.as_("auditor").get(f"/api/v1/certificates/{found}")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_revocation_by_the_account_or_by_the_key(desk: Desk) -> None:
    """For ever, with its reason; by nobody else, and once. Asked when to renew, the answer is: now."""
    acme, other = await client(desk), await client(desk)
    key = ec.generate_private_key(ec.SECP256R1())
    leaves = [await _issued(desk, acme, key), await _issued(desk, acme, ec.generate_private_key(ec.SECP256R1()))]
    url = acme.directory["revokeCert"]
    first, second = ({"certificate": b64(leaf.public_bytes(Encoding.DER)), "reason": 4} for leaf in leaves)
    _refused(await other.post(url, first), 403, "unauthorized")
    _refused(await acme.post(url, first | {"reason": 6}), 400, "badRevocationReason")
    _refused(await acme.post(url, first | {"certificate": "AAAA"}), 404, "malformed")
    holder = await AcmeClient(desk.client(), key).begin()
    _refused(await holder.post(url, second), 403, "unauthorized")
    answer = await holder.post(url, first | {"reason": 1})
    assert (200, b"") == (answer.status_code, answer.content)
    _refused(await acme.post(url, first), 400, "alreadyRevoked")
    assert 200 == (await acme.post(url, second)).status_code
    await desk.settled()
    for leaf, reason, actor in ((leaves[0], "keyCompromise", "certificate-key:"), (leaves[1], "superseded", "")):
        certificate_id = str(ids.certificate_id(leaf.fingerprint(hashes.SHA256()).hex()))
        shown = (await desk.as_("auditor").get(f"{API}/certificates/{certificate_id}")).json()
        assert "revoked" == shown["status"]
        asked = {"subject": certificate_id, "type": "certificate.revoke.success"}
        [told] = (await desk.as_("auditor").get(f"{API}/audit-events", params=asked)).json()["items"]
        assert (reason, str(desk.people["requester"].id)) == (told["data"]["reason"], told["actor"]["on_behalf_of"])
        assert told["actor"]["id"].startswith(actor)
        window = (await acme.http.get(f"{acme.directory['renewalInfo']}/{_certificate_name(leaf)}")).json()
        assert datetime.fromisoformat(window["suggestedWindow"]["end"]) <= datetime.now(UTC)


async def _issued(desk: Desk, acme: AcmeClient, key: PrivateKey) -> x509.Certificate:
    url = (await order(acme)).headers["Location"]
    await validate(desk, acme, url)
    await finalize(acme, url, key=key)
    await issue(desk, url)
    return x509.load_pem_x509_certificates((await acme.get(f"{url}/certificate")).content)[0]


async def test_too_many_orders_within_an_hour(desk: Desk) -> None:
    """rateLimited, with Retry-After; other accounts go on."""
    acme, other = await client(desk), await client(desk)
    for _ in range(desk.services.acme.rules.new_orders - 1):
        await desk.services.acme.rates.take(id_of(acme.account or ""), "new-order", 1, 3600)
    await order(acme)
    identifiers = [{"type": "dns", "value": NAMES[0]}]
    answer = await acme.post(acme.directory["newOrder"], {"identifiers": identifiers})
    _refused(answer, 429, "rateLimited")
    assert 0 < int(answer.headers["Retry-After"]) <= 3600
    await order(other)


def _certificate_name(leaf: x509.Certificate) -> str:
    """RFC 9773, 4.1."""
    key_id = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    assert key_id is not None
    serial = leaf.serial_number
    return f"{b64(key_id)}.{b64(serial.to_bytes(serial.bit_length() // 8 + 1, 'big'))}"


def _refused(answer: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    """The problem document, as ACME clients read it."""
    assert status == answer.status_code, answer.text
    body = answer.json()
    assert (f"{ERROR}{kind}", status) == (body["type"], body["status"])
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Replay-Nonce"]
    return dict(body)
