"""Secrets that go in, and the doings in which they are used: what they are is kept, to be looked for afterwards."""

import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import trustme
from cryptography.hazmat.primitives.asymmetric import ec

from adapters.keys.key_source import load_keys
from adapters.keys.master_key import MasterKey
from adapters.x509.pfx import make_pfx
from adapters.x509.private_keys import to_pkcs8
from tests.adapters.x509.certificates import cn, make, make_ca, san
from tests.api.desk import Desk
from tests.api.hooking import Hook
from tests.api.issuing import NAME
from tests.api.searching import SCALAR, Planted, forms, private_part
from tests.api.test_endpoint_csr import answered, asked
from tests.api.test_endpoint_csr import ordered as endpoint_order
from tests.api.test_notification_channels import SETTINGS, ended
from tests.api.test_pfx_exports import download, prepared
from tests.api.test_revoking import challenge, revoke, wrong
from tests.api.test_signing_in import enter, invite
from tests.api.walking import API, Json, Story
from tests.support.acme_client import AcmeClient
from tests.support.mailbox import Mailbox, mailbox
from tests.support.receiver import Receiver

AUTH_KEY = "0123456789ABCDEF5F1DCA7A0123456789ABCDEF5F1DCA7A0123456789ABCDEF"
GUESS = "canary-guess-5f1dca7a"
TARGET = "canary-target-5f1dca7a"
PASSWORD = "canary-password-5f1dca7a"
BUNDLE_PASSWORD = "canary-bundle-5f1dca7a"
MAIL_PASSWORD = "canary-mail-5f1dca7a"
EAB_KEY = b"canary-eab-5f1dca7a-canary"
TSIG_SECRET = b"canary-tsig-5f1dca7a-canary"
SIGNING_SECRET = b"canary-channel-5f1dca7a-canary"
CFSSL = {"kind": "cfssl", "url": "https://127.0.0.1:9", "profiles": {"server": "www"}}
ACME = {
    "directory_url": "https://127.0.0.1:9/directory",
    "eab_key_id": "kid-1",
    "solver": "dns_rfc2136",
    "rfc2136": {"server": "127.0.0.1", "port": 9, "zone": "example.org", "key_name": "certferry"},
}


class Everything:
    """What was planted, and where it went in. `code`: the six digits of a revocation that was carried out."""

    def __init__(self, desk: Desk, story: Story, hook: Hook) -> None:
        self.desk = desk
        self.story = story
        self.hook = hook
        self.ids: dict[str, str] = {}
        self.planted: Planted = {}
        self.answered = b""
        self.code = ""

    def plant(self, name: str, *spelled: str | bytes) -> None:
        """One secret; what people write in Base64 is looked for as it is written, too."""
        secrets = [each if isinstance(each, bytes) else each.encode() for each in spelled]
        self.planted[name] = tuple(form for secret in secrets for form in forms(secret))

    @property
    def known(self) -> dict[str, str]:
        """What stands in paths."""
        story = self.story
        return {
            "certificate_id": story.certificate_id,
            "connector_id": story.connector_id,
            "target_system_id": story.target_system_id,
            "work_order_id": story.work_order_id,
            "request_id": story.request_id,
            "webhook_id": self.hook.id,
            "position": "1",
        } | self.ids

    async def used(self, box: Mailbox, receiver: Receiver) -> "Everything":
        """A push that succeeds, orders, a renewal, a revocation, an export, imports, providers, tokens, bridges, ACME
        clients, channels, somebody who signs in, wrong guesses.
        """
        await self._pushed()
        await self._issued()
        await self._exported()
        await self._renewed()
        await self._revoked()
        await self._keyed_at_the_endpoint()
        await self._imported()
        await self._registered()
        await self._acme_client()
        await self._notified(box, receiver)
        await self._signed_in()
        await self._gone_wrong()
        self._of_the_service()
        await self.desk.settled()
        return self

    async def _pushed(self) -> None:
        story = self.story
        self.plant("imported key", base64.b64decode("".join(story.issued.private_key_pem.splitlines()[1:-1]))[SCALAR])
        self.plant("target secret", TARGET)
        self.plant("webhook secret", base64.b64decode(self.hook.secret.removeprefix("whsec_")))
        await story.implementing()
        await story.agent.succeed(await story.agent.lease())

    def _of_the_service(self) -> None:
        """Its own keys, and the tokens that were used all the time."""
        core = self.desk.core
        current = load_keys(core.settings).current
        assert isinstance(current, MasterKey)
        self.plant("master key", current.key)
        self.plant("session secret", core.secret)
        root, issuing = core.local_pki.authorities.values()
        self.plant("root's key", private_part(root.key))
        self.plant("issuing CA's key", private_part(issuing.key))
        self.plant("bridge CA's key", private_part(core.bridge_ca._authority.key))
        for who in ("operator", "requester"):
            self.plant(f"token of the {who}", self.desk.people[who].token.split("_", 2)[2])

    async def _ended(self, order: Json) -> Json:
        while order["status"] not in {"complete", "failed"}:
            order = await self.story.get(f"orders/{order['id']}")
        return order

    async def _plant_key_of(self, name: str, certificate_id: str) -> None:
        key = await self.desk.core.vault.private_key(UUID(certificate_id))
        assert key is not None
        self.plant(name, key[SCALAR])

    async def _issued(self) -> None:
        order = {"mode": "automated", "subject_alternative_names": [NAME]}
        body = await self._ended(await self.story.post("requester", "orders", order, 202))
        self.ids |= {"order_id": body["id"], "issued_id": body["certificate_id"]}
        await self._plant_key_of("issued key", body["certificate_id"])

    async def _exported(self) -> None:
        export = await prepared(self.desk, self.ids["issued_id"])
        self.plant("PFX password", export["password"])
        assert (await download(self.desk, self.ids["issued_id"], export, password=GUESS)).status_code == 403
        file = await download(self.desk, self.ids["issued_id"], export)
        self.plant("PFX file", file.content[200:260])

    async def _renewed(self) -> None:
        order = await self.story.post("requester", f"certificates/{self.ids['issued_id']}/renew", {"key": "new"}, 202)
        renewed = await self._ended(order)
        await self._plant_key_of("renewed key", renewed["certificate_id"])

    async def _revoked(self) -> None:
        """With a wrong code, then with the right one."""
        shown = await challenge(self.desk, self.ids["issued_id"])
        self.code = shown["confirmation_code"]
        refused = await revoke(self.desk, self.ids["issued_id"], shown, wrong(shown))
        revoked = await revoke(self.desk, self.ids["issued_id"], shown, comment="lost")
        assert (403, 200) == (refused.status_code, revoked.status_code)
        self.answered += refused.content + revoked.content

    async def _keyed_at_the_endpoint(self) -> None:
        """A key that is made on the target system: the bridge sends a request, and gets a certificate."""
        order = await endpoint_order(self.story)
        await answered(self.story.agent, await asked(self.story))
        assert (await self._ended(order))["status"] == "complete"

    async def _imported(self) -> None:
        """A bundle: with another password, then with its own."""
        made = make(cn("bundle.example.org"), [san("bundle.example.org")], by=make_ca("Issuing CA"))
        assert isinstance(made.key, ec.EllipticCurvePrivateKey)
        key = to_pkcs8(made.key)
        file = make_pfx(name="x", private_key=key, leaf=made.der, chain=(), password=BUNDLE_PASSWORD)
        body = {"pkcs12": base64.b64encode(file).decode(), "password": BUNDLE_PASSWORD}
        for password, status in ((GUESS, 422), (BUNDLE_PASSWORD, 201)):
            answer = await self.desk.as_("operator").post(f"{API}/certificates", json=body | {"password": password})
            assert answer.status_code == status, answer.text
            self.answered += answer.content
        self.plant("password of the bundle", BUNDLE_PASSWORD)
        self.plant("key of the bundle", private_part(made.key))
        self.plant("bundle", file[200:260])

    async def _registered(self) -> None:
        story = self.story
        provider = {"provider": "external_ca", "name": "CA", "settings": CFSSL, "secrets": {"auth_key": AUTH_KEY}}
        await story.post("operator", "providers", provider, 201)
        self.plant("provider secret", AUTH_KEY)
        secrets = {"eab_hmac_key": base64.urlsafe_b64encode(EAB_KEY).decode().rstrip("=")}
        secrets["tsig_secret"] = base64.b64encode(TSIG_SECRET).decode()
        provider = {"provider": "acme", "name": "ACME", "settings": ACME, "secrets": secrets}
        self.ids["provider_id"] = (await story.post("operator", "providers", provider, 201))["id"]
        self.plant("provider's EAB key", EAB_KEY, secrets["eab_hmac_key"])
        self.plant("TSIG secret", TSIG_SECRET, secrets["tsig_secret"])
        lead = {"principal_id": str(self.desk.people["lead"].id), "name": "ci"}
        token = await story.post("admin", "tokens", lead, 201)
        bridge = await story.post("operator", "bridges", {"name": "dmz-2"}, 201)
        self.ids |= {"token_id": token["id"], "bridge_id": bridge["id"], "principal_id": lead["principal_id"]}
        self.plant("new token", token["token"].split("_", 2)[2])
        self.plant("enrolment token", bridge["enrolment_token"].partition(".")[2])

    async def _acme_client(self) -> None:
        """A key for external account binding opens an account; with another MAC key it opens none."""
        wish = {"principal_id": str(self.desk.people["requester"].id), "name": "web-1"}
        made = await self.story.post("admin", "acme-eab-keys", wish, 201)
        mac_key = made["hmac_key"]
        self.plant("MAC key of ACME clients", base64.urlsafe_b64decode(mac_key + "="), mac_key)
        for key, status in ((GUESS + "A" * 22, 403), (mac_key, 201)):
            acme = await AcmeClient(self.desk.client()).begin()
            answer = await acme.open(made["id"], key)
            assert answer.status_code == status, answer.text
            self.answered += answer.content
        self.ids |= {"eab_key_id": made["id"], "account_id": str(acme.account).rpartition("/")[2]}

    async def _notified(self, box: Mailbox, receiver: Receiver) -> None:
        """A mail to a server that wants name and password, and a post that is signed."""
        signing_secret = "whsec_" + base64.b64encode(SIGNING_SECRET).decode()
        chat = {"kind": "webhook", "name": "Chat", "settings": {"url": f"{receiver.url}/chat"}}
        mail = {"kind": "mail", "name": "On call", "settings": MAIL_SETTINGS | {"port": box.port}}
        for body, secrets in ((chat, {"signing_secret": signing_secret}), (mail, {"password": MAIL_PASSWORD})):
            made = await self.story.post("admin", "notification-channels", body | {"secrets": secrets}, 201)
            await self.story.post("admin", f"notification-channels/{made['id']}/test", status=202)
            delivery = await ended(self.desk, f"{API}/notification-channels/{made['id']}")
            assert delivery["status"] == "delivered", delivery
            self.ids |= {"notification_channel_id": made["id"], "delivery_id": delivery["id"]}
        self.plant("secret of the webhook channel", SIGNING_SECRET, signing_secret)
        self.plant("password of the mail server", MAIL_PASSWORD)

    async def _signed_in(self) -> None:
        """Somebody sets a password by an invitation, mistypes it, and signs in with it."""
        code = await invite(self.desk, "ada")
        form = {"invitation": code, "password": PASSWORD, "again": PASSWORD}
        assert (await self.desk.client().post("/invitation", data=form)).status_code == 303
        refused = await enter(self.desk, "ada", GUESS)
        entered = await enter(self.desk, "ada", PASSWORD)
        assert (401, 303) == (refused.status_code, entered.status_code)
        self.answered += refused.content + entered.content
        self.plant("password", PASSWORD)
        self.plant("invitation", code.rpartition("_")[2])
        self.plant("signature of the session", entered.headers["Set-Cookie"].partition(";")[0].rpartition(".")[2])
        self.plant("hash of a password", "$argon2id$v=19$")

    async def _gone_wrong(self) -> None:
        """Secrets in requests that fail: in fields of other kinds, in headers, in what a bridge says of itself."""
        client, pem = self.desk.as_("operator"), self.story.issued.private_key_pem
        for path, body in (
            ("certificates", {"certificate_pem": pem, "private_key_pem": pem}),
            ("certificates", {"certificate_pem": "x", "private_key_pem": pem, "more": pem}),
            ("target-systems", {"name": "x", "kind": "nginx", "secrets": TARGET}),
            ("providers", {"provider": "external_ca", "name": "x", "settings": {}, "secrets": {"a": AUTH_KEY}}),
            (f"certificates/{self.ids['issued_id']}/pfx-exports/{UUID(int=1)}/download", {"password": GUESS}),
        ):
            answer = await client.post(f"{API}/{path}", json=body)
            assert answer.status_code >= 400
            self.answered += answer.content
        stranger = self.desk.client({"Authorization": f"Bearer cf_{'0' * 32}_{GUESS}"})
        assert (await stranger.get(f"{API}/me")).status_code == 401
        self.plant("wrong guess", GUESS)


_MAIL_CA = trustme.CA()
MAIL_SETTINGS = SETTINGS | {
    "username": "certferry",
    "security": "starttls",
    "ca_certificates_pem": _MAIL_CA.cert_pem.bytes().decode(),
}


@asynccontextmanager
async def guarded_mailbox() -> AsyncIterator[Mailbox]:
    """STARTTLS and the password are demanded."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _MAIL_CA.issue_cert("127.0.0.1").configure_cert(context)
    async with mailbox(starttls=context, user=("certferry", MAIL_PASSWORD)) as box:
        yield box
