"""Erasing somebody, over the whole service: what is stored, what is answered, what is proven, before and after."""

import asyncio
import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from adapters.keys.subjects import LIFE, Subjects
from adapters.sealing.recomputing import Recomputation
from application.erasing import erase_subject
from application.house import Context
from domain.personal import ERASED, PREFIX
from domain.principal import ErasureReason
from tests.adapters.sealing.ledgers import seal
from tests.api.desk import SYSTEM, Desk, Person
from tests.api.walking import API, Story
from tests.support.postgres import Pg

JSON = "application/json"
NAME, PUSHED, TOKEN, OTHERS = "Rita-4711 Meyer", "rita says 7f3a; =cmd", "ritas laptop 9c1d", "anton says 2b7e"
ADDRESS = "2001:db8::47:11"
REASON = {"reason": "objection"}
LISTS = ("work-orders", "principals", "tokens", "audit-events", "legal-holds")


async def rita(desk: Desk) -> str:
    """A requester with a name of her own, who pushed something with a comment; Anton approved it. Her id."""
    story = Story(desk)
    who = (await story.post("admin", "principals", {"name": NAME, "roles": ["requester"]}, 201))["id"]
    token = (await story.post("admin", "tokens", {"principal_id": who, "name": TOKEN}, 201))["token"]
    desk.people["rita"], desk.addresses["rita"] = Person(UUID(who), token), ADDRESS
    await story.ready()
    made = await story.post("rita", f"certificates/{story.certificate_id}/push", {"comment": PUSHED}, 202)
    order = made["work_orders"][0]["id"]
    await story.post("approver", f"work-orders/{order}/approve", {"comment": OTHERS})
    await story.get("audit-events", who="auditor", type="certificate.*", actor=NAME)
    await desk.settled()
    return str(who)


def dump(pg: Pg) -> bytes:
    """Every row of every table, as a dump of the database shows it."""
    found = io.BytesIO()
    with psycopg.connect(pg.superuser_dsn, dbname=pg.name) as connection:
        tables = connection.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables "
            "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for (table,) in tables:
            with connection.cursor().copy(f"COPY {table} TO STDOUT".encode()) as rows:
                for chunk in rows:
                    found.write(bytes(chunk))
    text = found.getvalue()
    return text + b"".join(_hexed(text))


def _hexed(text: bytes) -> Iterator[bytes]:
    """What stands in `bytea` columns, as bytes."""
    for word in text.replace(b"\t", b"\n").split(b"\n"):
        if word.startswith(b"\\\\x"):
            yield bytes.fromhex(word[3:].decode())


async def everything(desk: Desk, **query: Any) -> str:
    """Every list and page that shows texts, in every form."""
    client = desk.as_("auditor")
    forms = (JSON, "application/x-ndjson", "text/csv")
    wanted = [(path, {"limit": 200}, form) for path in LISTS for form in forms]
    wanted += [(f"principals/{desk.people['rita'].id}", {}, JSON), ("reports/separation-of-duties", {}, JSON)]
    if not query:
        wanted.append(("audit-events", {"until_position": await desk.head()}, "text/event-stream"))
    said = []
    for path, more, form in wanted:
        answer = await client.get(f"{API}/{path}", params={**more, **query}, headers={"Accept": form})
        assert answer.status_code == 200, answer.text
        assert "content-length" not in answer.headers or int(answer.headers["content-length"]) == len(answer.content)
        said.append(answer.text)
    return "\n".join(said)


async def erase(desk: Desk, who: str, status: int = 200, by: str = "admin") -> Any:
    """The command."""
    return await Story(desk).post(by, f"principals/{who}/erase", REASON, status)


def proven(pg: Pg) -> list[tuple[Any, ...]]:
    """All that proofs are about."""
    with psycopg.connect(pg.owner_dsn) as connection:
        query = "SELECT notification_id, state, leaf, salt FROM ledger.events ORDER BY notification_id"
        return connection.execute(query.encode()).fetchall()


async def test_nothing_of_the_person_is_left(desk: Desk, pg: Pg, tmp_path: Path) -> None:
    """Neither in a dump of the database nor in any answer, of now or of the past; everybody else's texts are; every
    leaf and payload is as before, and the sealed tree still verifies.
    """
    who = await rita(desk)
    position = await desk.head()
    hers, stored = (NAME, PUSHED, TOKEN, ADDRESS), dump(pg)
    for text in (*hers, OTHERS, "192.0.2.7"):
        assert text.encode() not in stored
    before, shown = await everything(desk, as_of_position=position), await everything(desk)
    for text in (*hers, OTHERS):
        assert text in before + shown
    seal(pg, tmp_path / "keys")
    leaves = proven(pg)

    answer = await erase(desk, who)
    assert (answer["name"], answer["disabled"]) == (ERASED, True)
    assert answer["erased_at"]

    await desk.settled()
    assert proven(pg)[: len(leaves)] == leaves
    now, then = await everything(desk), await everything(desk, as_of_position=position)
    for text in hers:
        assert text.encode() not in dump(pg)
        assert text not in now + then
    assert OTHERS in now
    assert OTHERS in then
    assert PREFIX not in now + then
    assert erased_alone(before, then)
    seal(pg, tmp_path / "keys")
    with psycopg.connect(pg.app_dsn, autocommit=True) as connection:
        recomputed = Recomputation(connection)
        recomputed.step(len(proven(pg)))  # raises Mismatch
    assert recomputed.size >= len(leaves)


def erased_alone(before: str, after: str) -> bool:
    """Are both the same, but for what was erased?"""
    texts = (json.dumps(PUSHED)[1:-1], f"'{PUSHED}", PUSHED, NAME, TOKEN, ADDRESS)
    for text in texts:
        before = before.replace(text, ERASED)
    return before == after


async def test_what_was_sealed_is_sealed_again_in_no_answer(desk: Desk) -> None:
    """No sealed text leaves through an answer, but for the exact bytes of payloads."""
    await rita(desk)
    assert PREFIX not in await everything(desk)
    events = await Story(desk).get("audit-events", type="principal.created", limit=1)
    url = f"{API}/audit-events/{events['items'][0]['position']}/payload"
    assert PREFIX in (await desk.as_("auditor").get(url)).text


async def test_the_kept_answer_of_a_repeat_forgets_too(desk: Desk, pg: Pg) -> None:
    """Whoever repeats a command with its Idempotency-Key gets the same answer, without what was erased."""
    admin = desk.as_("admin")
    body, key = {"name": NAME, "roles": ["requester"]}, {"Idempotency-Key": "one"}
    made = await admin.post(f"{API}/principals", json=body, headers=key)
    assert (await admin.post(f"{API}/principals", json=body, headers=key)).content == made.content
    assert NAME.encode() not in dump(pg)
    await erase(desk, made.json()["id"])
    again = await admin.post(f"{API}/principals", json=body, headers=key)
    assert (again.headers["Idempotency-Replayed"], again.json()) == ("true", made.json() | {"name": ERASED})


async def test_the_erased_may_do_nothing(desk: Desk) -> None:
    """Their tokens stop with the answer, in every process that follows the ledger."""
    who = await rita(desk)
    assert (await desk.as_("rita").get(f"{API}/me")).json()["name"] == NAME
    await erase(desk, who)
    assert (await desk.as_("rita").get(f"{API}/me")).status_code == 401


async def test_another_process_forgets_within_its_time(desk: Desk) -> None:
    """One that holds the opened key looks again when its time is over, and finds it destroyed."""
    who = await rita(desk)
    other = Subjects(desk.core.subjects._keys, desk.core.secret, clock := _Hands())
    sealed = (await desk.core.views.principals.get(UUID(who))).state.name  # type: ignore[union-attr]
    assert (await other.open([sealed]))[sealed] == NAME
    await erase(desk, who)
    clock.at += LIFE
    assert (await other.open([sealed]))[sealed] == ERASED


class _Hands:
    at = 0.0

    def __call__(self) -> float:
        return self.at


async def test_a_row_that_is_put_back_opens_nothing(desk: Desk, pg: Pg) -> None:
    """The owner of the database brings the sealed key back from a backup: the ledger says erased, so it stays so."""
    who = await rita(desk)
    sealed = (await desk.core.views.principals.get(UUID(who))).state.name  # type: ignore[union-attr]
    with psycopg.connect(pg.owner_dsn, autocommit=True) as connection:
        query = "SELECT sealed FROM vault.subject_keys WHERE subject_id = %s"
        backup = connection.execute(query, [who]).fetchone()
        assert backup is not None
        await erase(desk, who)
        connection.execute("ALTER TABLE vault.subject_keys DISABLE TRIGGER guard_subject_key")
        put_back = "UPDATE vault.subject_keys SET sealed = %s, destroyed_at = NULL WHERE subject_id = %s"
        connection.execute(put_back, [backup[0], who])
    again = Subjects(desk.core.subjects._keys, desk.core.secret)
    assert (await again.open([sealed]))[sealed] == ERASED


async def test_killed_between_the_event_and_the_key(working_desk: Desk, pg: Pg) -> None:
    """The process that appended the event comes no further: nobody opens anything from then on, and the worker destroys
    the key and takes the tokens back.
    """
    desk, house = working_desk, working_desk.core.house
    who = UUID(await rita(desk))
    sealed = await house.texts.seal(who, "text", "a word")

    class Killed(Exception):
        """kill -9."""

    class Dying(Subjects):
        async def destroy(self, subject: UUID) -> None:
            raise Killed

    dying = Dying(desk.core.subjects._keys, desk.core.secret)
    context = Context(actor=SYSTEM, at=house.clock(), command_id=uuid4())
    with pytest.raises(Killed):
        await erase_subject(house._replace(texts=dying), context, who, ErasureReason.OBJECTION)
    fresh = Subjects(desk.core.subjects._keys, desk.core.secret)
    assert (await fresh.open([sealed]))[sealed] == ERASED
    with psycopg.connect(pg.app_dsn, autocommit=True) as connection:
        query = "SELECT (SELECT sealed IS NULL FROM vault.subject_keys WHERE subject_id = %s), count(*) "
        query += "FROM ledger.events WHERE topic = 'token.revoked'"
        while connection.execute(query.encode(), [who]).fetchone() != (True, 1):
            await asyncio.sleep(0.05)
    assert (await house.texts.open([sealed]))[sealed] == ERASED


async def test_who_may_erase_whom(desk: Desk) -> None:
    """Administrators, others; under a hold nobody. Each refusal says why, and is an event."""
    who, story = await rita(desk), Story(desk)
    assert (await erase(desk, who, 403, by="lead"))["type"] == "/problems/forbidden"
    assert (await erase(desk, str(desk.people["admin"].id), 409))["type"] == "/problems/invalid-transition"
    await erase(desk, "00000000-0000-4000-8000-000000000000", 404)
    wrong = await desk.as_("admin").post(f"{API}/principals/{who}/erase", json={"reason": "because"})
    assert wrong.json()["errors"][0]["pointer"] == "/reason"
    hold = await story.post("admin", "legal-holds", {"principal_id": who, "reason": "case 4711"}, 201)
    refused = await erase(desk, who, 409)
    assert (refused["type"], refused["legal_hold_ids"]) == ("/problems/legal-hold", [hold["id"]])
    assert NAME in await everything(desk)
    released = await story.post("admin", f"legal-holds/{hold['id']}/release", {"reason": "decided"})
    assert (released["status"], released["release_reason"]) == ("released", "decided")
    await erase(desk, who)
    await erase(desk, who)
    events = await story.get("audit-events", type="audit.subject.erased")
    assert [event["data"]["principal_id"] for event in events["items"]] == [who]
    refusals = await story.get("audit-events", type="command.refused", subject=who)
    assert "legal-hold" in [event["data"]["code"] for event in refusals["items"]]


async def test_holds_are_listed_as_they_were(desk: Desk) -> None:
    """Set, released, filtered, paged, with their versions; as of a position as they were then."""
    story = Story(desk)
    made = [await story.post("admin", "legal-holds", {"reason": f"case {n}"}, 201) for n in range(3)]
    position = await desk.head()
    one = f"{API}/legal-holds/{made[1]['id']}"
    tag = (await desk.as_("auditor").get(one)).headers["ETag"]
    gone = await desk.as_("admin").delete(one, headers={"If-Match": tag})
    assert (tag, gone.status_code, gone.headers["ETag"]) == ('"1"', 204, '"2"')
    stale = await desk.as_("admin").delete(one, headers={"If-Match": tag})
    assert stale.status_code == 412
    await desk.settled()
    opened = await story.get("legal-holds", open=True)
    assert [hold["reason"] for hold in opened["items"]] == ["case 0", "case 2"]
    then = await story.get("legal-holds", open=True, as_of_position=position)
    assert [hold["id"] for hold in then["items"]] == [hold["id"] for hold in made]
    first = await story.get("legal-holds", limit=2)
    rest = await story.get("legal-holds", limit=2, cursor=first["next_cursor"])
    assert [hold["id"] for hold in first["items"] + rest["items"]] == [hold["id"] for hold in made]


async def test_people_are_found_by_their_names(desk: Desk) -> None:
    """By a part, whatever the case; not any more once they are erased."""
    who, story = await rita(desk), Story(desk)
    assert [each["id"] for each in (await story.get("principals", q="rita-4711"))["items"]] == [who]
    await erase(desk, who)
    await desk.settled()
    assert not (await story.get("principals", q="rita-4711"))["items"]
    assert not (await story.get("principals", q="erased"))["items"]


@pytest.mark.parametrize("comment", ['a "quoted"\nword', "=1+1", "<b>bold</b> & more", "ünïcödé 🙂"])
async def test_any_text_survives_every_form(desk: Desk, comment: str) -> None:
    """What was written is read, in JSON, CSV and on pages, whatever is in it."""
    story = await Story(desk).ready()
    done = await story.post("requester", f"certificates/{story.certificate_id}/push", {"comment": comment}, 202)
    order = done["work_orders"][0]["id"]
    await desk.settled()
    assert (await story.get(f"work-orders/{order}"))["comment"] == comment
    table = await desk.as_("auditor").get(f"{API}/work-orders", headers={"Accept": "text/csv"})
    [row] = csv.DictReader(io.StringIO(table.text))
    assert row["comment"] == (f"'{comment}" if comment.startswith("=") else comment)
    trail = await desk.as_("auditor").get(f"{API}/audit-events", headers={"Accept": "application/x-ndjson"})
    assert comment in [json.loads(line)["data"].get("comment") for line in trail.text.splitlines()]
