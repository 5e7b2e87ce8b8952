"""Keys, passwords and tokens are planted wherever they can go in; the service is used widely; then everything that
comes out of it, and everything that it keeps, is searched for them.
"""

import asyncio
import base64
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.adapters.evidence.test_verify import contents
from tests.adapters.sealing.ledgers import seal
from tests.api.desk import Desk
from tests.api.hooking import hooked
from tests.api.planting import TARGET, Everything, guarded_mailbox
from tests.api.searching import answers, dumped, forms, found_in, pages, shows_code, syslogged
from tests.api.walking import API, SSH, Story
from tests.support.mailbox import Mailbox
from tests.support.postgres import Pg
from tests.support.receiver import Receiver, receiving

CODE = "code of a revocation"


class Used(NamedTuple):
    """The service after its use, with whatever was sent and logged by it."""

    everything: Everything
    receiver: Receiver
    box: Mailbox
    log: str


@pytest.fixture
async def used(working_desk: Desk, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Used]:
    """A service that was used, with a webhook that got every event of it."""
    caplog.set_level(logging.DEBUG)
    async with receiving() as receiver, guarded_mailbox() as box:
        hook = await hooked(working_desk, receiver.url, from_position=1)
        story = await Story(working_desk).imported()
        await (await story.with_target(settings=SSH, secrets={"ssh_private_key": TARGET})).with_connector()
        everything = await Everything(working_desk, story, hook).used(box, receiver)
        await hook.until_delivered(await working_desk.head())
        yield Used(everything, receiver, box, caplog.text)  # pytest forgets the text between fixture and test


async def haystacks(used: Used, pg: Pg, caplog: pytest.LogCaptureFixture) -> dict[str, bytes]:
    """Everything that the service said and keeps; the log last, so that it tells of all the others."""
    everything, desk = used.everything, used.everything.desk
    auditor, head = desk.as_("auditor"), await desk.head()
    export = await auditor.get(f"{API}/audit/export", params={"from_position": "1", "to_position": str(head)})
    evidence = await auditor.get(f"{API}/work-orders/{everything.story.work_order_id}/evidence")
    return {
        "answers": await answers(desk, everything.known),
        "pages": await pages(desk, everything.known),
        "problems": everything.answered,
        "export": b"\n".join(contents(export.content).values()),
        "evidence": b"\n".join(contents(evidence.content).values()),
        "webhooks": b"\n".join(message.body + repr(message.headers).encode() for message in used.receiver.messages),
        "mail": b"\n".join(bytes(message) for message in used.box.messages),
        "syslog": await syslogged(desk),
        "database": await asyncio.to_thread(dumped, pg),
        "log": (used.log + caplog.text).encode(),
    }


def found(haystack: bytes, everything: Everything) -> list[str]:
    """The names of the secrets in it."""
    return found_in(haystack, everything.planted) + [CODE] * shows_code(haystack, everything.code)


@pytest.mark.filterwarnings("ignore:Session.login_data is deprecated:DeprecationWarning")  # of the mail server
async def test_what_was_planted_is_nowhere(
    used: Used, pg: Pg, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither in the database, nor in answers, pages, exports, evidence, webhook, mail and syslog messages, nor in a
    log line; each of these is known to hold something, so that secrets would be found there, too.
    """
    everything = used.everything
    await everything.desk.settled()
    seal(pg, tmp_path / "keys")
    said = await haystacks(used, pg, caplog)
    assert len(everything.planted) == 30
    assert {name: found(text, everything) for name, text in said.items()} == {name: [] for name in said}
    public = {"id": forms(everything.story.certificate_id.encode())}
    holds_something = ("answers", "pages", "export", "evidence", "webhooks", "syslog", "database", "log")
    assert [name for name in holds_something if not found_in(said[name], public)] == []
    assert all(said.values())


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


def test_six_digits_would_be_found_where_they_stand_alone() -> None:
    """In JSON, in a sentence, in a field, as bytes in hexadecimal; not in longer numbers or fractions of seconds."""
    for text in (b'{"code":"012345"}', b"code=012345", b"012345", b"The code 012345.", b"x\t012345\n"):
        for written in (text, text.hex().encode(), text.hex().upper().encode()):
            assert shows_code(written, "012345"), written
    for text in (b"10:00:00.012345Z", b"1012345", b"0123456", b"ab012345cd"):
        assert not shows_code(text, "012345"), text
        assert not shows_code(text.replace(b"ab", b"1").hex().encode(), "012345"), text
