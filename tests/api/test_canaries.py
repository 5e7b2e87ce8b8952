"""Keys, passwords and tokens are planted wherever they can go in; the service is used widely; then everything that
comes out of it, and everything that it keeps, is searched for them.
"""

import asyncio
import base64
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from adapters.keys.key_source import load_keys
from adapters.keys.master_key import MasterKey
from adapters.syslog.events import event_message
from tests.adapters.evidence.test_verify import contents
from tests.adapters.sealing.ledgers import seal
from tests.api.desk import Desk
from tests.api.hooking import Hook, hooked
from tests.api.issuing import NAME
from tests.api.test_pfx_exports import download, prepared
from tests.api.test_secrets import tables
from tests.api.test_security import handlers
from tests.api.walking import API, Story
from tests.support.postgres import Pg
from tests.support.receiver import Receiver, receiving

AUTH_KEY = "0123456789ABCDEF5F1DCA7A0123456789ABCDEF5F1DCA7A0123456789ABCDEF"
GUESS = "canary-guess-5f1dca7a"
TARGET = "canary-target-5f1dca7a"
CFSSL = {"kind": "cfssl", "url": "https://127.0.0.1:9", "profiles": {"server": "www"}}
SSH = {
    "transport": "ssh",
    "root": "/srv/x",
    "reload_profile": "nginx",
    "host": "web-1.example.org",
    "username": "certferry",
    "host_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ",
}
SCALAR = slice(36, 68)
"""The private part of a P-256 key in PKCS#8; what follows it is public."""
Planted = dict[str, tuple[bytes, ...]]


def forms(secret: bytes) -> tuple[bytes, ...]:
    """As it is, in hexadecimal, and the middle of it in Base64 at each alignment, as text in a text or as bytes."""
    found = [secret, secret.hex().encode(), secret.hex().upper().encode()]
    for shift in range(3):
        padded = b"\0" * shift + secret
        found += [base64.b64encode(padded)[4:-4], base64.urlsafe_b64encode(padded)[4:-4]]
    return tuple(form for form in found if len(form) >= 12)


def found_in(haystack: bytes, planted: Planted) -> list[str]:
    """The names of what is in it."""
    flat = haystack.replace(b"\\n", b"").replace(b"\n", b"")  # Base64 may go on in the next line
    return [name for name, spelled in planted.items() if any(form in haystack or form in flat for form in spelled)]


class Everything:
    """What was planted, and where it went in."""

    def __init__(self, desk: Desk, story: Story, hook: Hook) -> None:
        self.desk = desk
        self.story = story
        self.hook = hook
        self.ids: dict[str, str] = {}
        self.planted: Planted = {}
        self.answered = b""

    def plant(self, name: str, secret: str | bytes) -> None:
        self.planted[name] = forms(secret if isinstance(secret, bytes) else secret.encode())

    async def used(self) -> "Everything":
        """A push that succeeds, one that is refused, an order, an export, providers, tokens, bridges, wrong guesses."""
        story, desk = self.story, self.desk
        self.plant("imported key", base64.b64decode("".join(story.issued.private_key_pem.splitlines()[1:-1]))[SCALAR])
        self.plant("target secret", TARGET)
        self.plant("webhook secret", base64.b64decode(self.hook.secret.removeprefix("whsec_")))
        await story.implementing()
        await story.agent.succeed(await story.agent.lease())
        await self._issued()
        await self._exported()
        await self._registered()
        await self._gone_wrong()
        current = load_keys(desk.core.settings).current
        assert isinstance(current, MasterKey)
        self.plant("master key", current.key)
        self.plant("session secret", desk.core.secret)
        for who in ("operator", "requester"):
            self.plant(f"token of the {who}", desk.people[who].token.split("_", 2)[2])
        await desk.settled()
        return self

    async def _issued(self) -> None:
        order = {"mode": "automated", "subject_alternative_names": [NAME]}
        body = await self.story.post("requester", "orders", order, 202)
        while body["status"] not in {"complete", "failed"}:
            body = await self.story.get(f"orders/{body['id']}")
        self.ids |= {"order_id": body["id"], "issued_id": body["certificate_id"]}
        key = await self.desk.core.vault.private_key(UUID(body["certificate_id"]))
        assert key is not None
        self.plant("issued key", key[SCALAR])

    async def _exported(self) -> None:
        export = await prepared(self.desk, self.ids["issued_id"])
        self.plant("PFX password", export["password"])
        assert (await download(self.desk, self.ids["issued_id"], export, password=GUESS)).status_code == 403
        file = await download(self.desk, self.ids["issued_id"], export)
        self.plant("PFX file", file.content[200:260])

    async def _registered(self) -> None:
        story = self.story
        provider = {"provider": "external_ca", "name": "CA", "settings": CFSSL, "secrets": {"auth_key": AUTH_KEY}}
        self.ids["provider_id"] = (await story.post("operator", "providers", provider, 201))["id"]
        self.plant("provider secret", AUTH_KEY)
        lead = {"principal_id": str(self.desk.people["lead"].id), "name": "ci"}
        token = await story.post("admin", "tokens", lead, 201)
        bridge = await story.post("operator", "bridges", {"name": "dmz-2"}, 201)
        self.ids |= {"token_id": token["id"], "bridge_id": bridge["id"], "principal_id": lead["principal_id"]}
        self.plant("new token", token["token"].split("_", 2)[2])
        self.plant("enrolment token", bridge["enrolment_token"].partition(".")[2])

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
        wrong = self.desk.client({"Authorization": f"Bearer cf_{'0' * 32}_{GUESS}"})
        assert (await wrong.get(f"{API}/me")).status_code == 401
        self.plant("wrong guess", GUESS)


async def answers(everything: Everything) -> bytes:
    """Every GET that can be asked, in every form of lists."""
    story, desk = everything.story, everything.desk
    known = {
        "certificate_id": story.certificate_id,
        "connector_id": story.connector_id,
        "target_system_id": story.target_system_id,
        "work_order_id": story.work_order_id,
        "request_id": story.request_id,
        "webhook_id": everything.hook.id,
        "position": "1",
    } | everything.ids
    said = b""
    for method, path, _ in handlers(desk):
        if method != "GET" or not path.startswith(API):
            continue
        for accept in ("application/json", "application/x-ndjson", "text/csv"):
            url = path.format_map(Known(known))
            who = "operator" if path.endswith("/download") else "auditor"
            said += (await desk.as_(who).get(url, headers={"Accept": accept})).content
    return said


class Known(dict[str, str]):
    """What stands in a path."""

    def __missing__(self, name: str) -> str:
        return str(UUID(int=0))


def dumped(pg: Pg) -> bytes:
    """Every table as `pg_dump` writes it (COPY), and once more with bytes as they are."""
    found = tables(pg).encode("latin-1", "replace")
    with psycopg.connect(pg.superuser_dsn) as connection:
        query = "SELECT schemaname, tablename FROM pg_tables WHERE schemaname !~ '^(pg_|information_schema)'"
        for schema, table in connection.execute(query).fetchall():
            with connection.cursor().copy(f'COPY "{schema}"."{table}" TO STDOUT'.encode()) as copy:
                found += b"".join(bytes(part) for part in copy)
    return found


async def syslogged(desk: Desk) -> bytes:
    """Every event as the syslog receiver gets it."""
    origin = await desk.services.origin()
    events = await desk.core.views.audit_trail.list(limit=1000)
    return b"\n".join(event_message(event, origin, 65_000) for event in events)


@pytest.fixture
async def everything(
    working_desk: Desk, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[tuple[Everything, Receiver]]:
    """A service that was used, with a webhook that got every event of it."""
    caplog.set_level(logging.DEBUG)
    async with receiving() as receiver:
        hook = await hooked(working_desk, receiver.url, from_position=1)
        story = await Story(working_desk).imported()
        await (await story.with_target(settings=SSH, secrets={"ssh_private_key": TARGET})).with_connector()
        used = await Everything(working_desk, story, hook).used()
        await hook.until_delivered(await working_desk.head())
        yield used, receiver


async def test_what_was_planted_is_nowhere(
    everything: tuple[Everything, Receiver], pg: Pg, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither in the database, nor in answers, exports, evidence, webhook and syslog messages, nor in a log line; each
    of these is known to hold something, so that secrets would be found there, too.
    """
    used, receiver = everything
    desk, auditor = used.desk, used.desk.as_("auditor")
    head = await desk.head()
    seal(pg, tmp_path / "keys")
    export = await auditor.get(f"{API}/audit/export", params={"from_position": "1", "to_position": str(head)})
    evidence = await auditor.get(f"{API}/work-orders/{used.story.work_order_id}/evidence")
    haystacks = {
        "answers": await answers(used),
        "problems": used.answered,
        "export": b"\n".join(contents(export.content).values()),
        "evidence": b"\n".join(contents(evidence.content).values()),
        "webhook": b"\n".join(message.body + repr(message.headers).encode() for message in receiver.messages),
        "syslog": await syslogged(desk),
        "database": await asyncio.to_thread(dumped, pg),
        "log": caplog.text.encode(),
    }
    assert len(used.planted) == 14
    assert {name: found_in(text, used.planted) for name, text in haystacks.items()} == {name: [] for name in haystacks}
    public = forms(used.story.certificate_id.encode())
    holds_something = ("answers", "export", "evidence", "webhook", "syslog", "database")
    assert [name for name in holds_something if not found_in(haystacks[name], {"id": public})] == []


def test_a_secret_would_be_found_however_it_is_spelled() -> None:
    """Raw, in hexadecimal, in Base64 wherever it begins."""
    secret = b"canary-5f1dca7a-canary"
    spelled = {"canary": forms(secret)}
    for before in (b"", b"x", b"xy", b"xyz"):
        for written in (bytes.hex, lambda raw: base64.b64encode(raw).decode(), lambda raw: raw.decode("latin-1")):
            assert found_in(written(before + secret + b"more").encode("latin-1"), spelled) == ["canary"]
    wrapped = base64.encodebytes(b"x" * 50 + secret).decode()
    for text in (wrapped, repr(wrapped)):
        assert found_in(text.encode(), spelled) == ["canary"]
    assert found_in(b"canary-5f1d", spelled) == []
