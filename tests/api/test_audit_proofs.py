"""The sealed ledger over REST: what others need to check it, in the formats that their tools read."""

import asyncio
import base64
import gzip
import hashlib
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.keys.ed25519 import verify_ed25519
from domain.transparency.bundles import unbundle
from domain.transparency.checkpoint import Opened, open_checkpoint
from domain.transparency.hashing import EMPTY_ROOT, leaf_hash
from domain.transparency.keys import VerifierKey
from domain.transparency.tiles import tiles_of
from domain.transparency.tlog_proof import check_tlog_proof, parse_tlog_proof
from domain.transparency.verifying import check_consistency
from tests.adapters.sealing.ledgers import ORIGIN, as_sealer, fill, keyring, only, seal, tampering
from tests.api.desk import Desk
from tests.api.walking import API
from tests.domain.transparency.by_the_book import mth
from tests.support.postgres import Pg


class Sealed:
    """A desk over a sealed ledger of some hundred events, as its auditor sees it."""

    def __init__(self, desk: Desk, pg: Pg, keys: Path) -> None:
        self.desk = desk
        self._pg = pg
        self.keys = keys

    async def grow(self, count: int) -> int:
        """More events, sealed; how many there are now."""
        await fill(self._pg, count)
        seal(self._pg, self.keys)
        with as_sealer(self._pg) as connection:
            size: int = only(connection, "SELECT size FROM ledger.checkpoints ORDER BY number DESC LIMIT 1")
        return size

    async def get(self, path: str, status: int = 200, headers: dict[str, str] | None = None) -> httpx.Response:
        """What an auditor gets."""
        answer = await self.desk.as_("auditor").get(f"{API}/{path}", headers=headers)
        assert answer.status_code == status, (path, answer.text)
        return answer

    async def vkeys(self) -> list[VerifierKey]:
        return [VerifierKey.parse(line) for line in (await self.get("audit/key")).text.splitlines()]

    async def checkpoint(self) -> Opened:
        """The latest checkpoint, checked with the key that is published."""
        note = (await self.get("audit/checkpoint")).text
        return open_checkpoint(note, ORIGIN, await self.vkeys(), verify_ed25519)


@pytest.fixture
def sealed(desk: Desk, pg: Pg, tmp_path: Path) -> Sealed:
    return Sealed(desk, pg, tmp_path / "keys")


async def test_the_tree_can_be_rebuilt_from_tiles_and_entries(sealed: Sealed) -> None:
    """C2SP tlog-tiles: every tile of the checkpoint's size, full and partial; they never change."""
    await sealed.grow(300)
    size = await sealed.grow(300)
    checkpoint = (await sealed.checkpoint()).checkpoint
    assert size == checkpoint.size
    tiles: dict[tuple[int, int], bytes] = {}
    entries: list[bytes] = []
    for tile in tiles_of(size):
        answer = await sealed.get(f"audit/tile/{tile.path}")
        assert "immutable" in answer.headers["cache-control"]
        assert "no-cache" not in answer.headers["cache-control"]
        assert answer.headers["content-type"] == "application/octet-stream"
        assert len(answer.content) == tile.width * 32
        tiles[tile.level, tile.number] = answer.content
        if tile.level == 0:
            entries += unbundle((await sealed.get(f"audit/tile/entries/{tile.path.partition('/')[2]}")).content)
    assert checkpoint.root == mth(entries)
    assert b"".join(map(leaf_hash, entries[:256])) == tiles[0, 0]
    assert b"".join(mth(entries[start : start + 256]) for start in (0, 256)) == tiles[1, 0]


async def test_partial_tiles_of_older_checkpoints_stay(sealed: Sealed) -> None:
    """Whoever checked an older checkpoint finds its tiles, although they are full by now."""
    await sealed.grow(20)
    before = (await sealed.get("audit/tile/0/000.p/20")).content
    await sealed.grow(300)
    assert before == (await sealed.get("audit/tile/0/000.p/20")).content
    assert 20 == len(unbundle((await sealed.get("audit/tile/entries/000.p/20")).content))


@pytest.mark.parametrize(
    "path",
    ["0/001", "0/000.p/99", "1/000", "0/0", "0/000.p/256", "0/x000/000", "00/000", "8/000", "63/000", "entries/001",
     "entries/0", "0/000.p/0", "0", "0/", "entries", "x/000", "-1/000", "0/000/", "entries/000/000"],
)  # fmt: skip
async def test_a_tile_that_is_not_there_is_not_found(sealed: Sealed, path: str) -> None:
    """Not yet there, or spelt in another way."""
    await sealed.grow(5)
    answer = await sealed.get(f"audit/tile/{path}", 404)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_entries_are_compressed_for_those_who_like_it(sealed: Sealed) -> None:
    """The same bytes either way."""
    await sealed.grow(20)
    plain = await sealed.get("audit/tile/entries/000.p/20", headers={"Accept-Encoding": "identity"})
    packed = await sealed.get("audit/tile/entries/000.p/20", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert "gzip" == packed.headers["content-encoding"]
    assert plain.content == packed.content
    assert len(gzip.compress(plain.content)) < len(plain.content)
    assert "Accept-Encoding" == plain.headers["vary"] == packed.headers["vary"]


async def test_a_proof_of_one_event_verifies_with_its_leaf(sealed: Sealed) -> None:
    """C2SP tlog-proof: file, leaf and published key are enough."""
    size = await sealed.grow(300)
    for position in (1, 256, 257, size):
        proof = parse_tlog_proof((await sealed.get(f"audit-events/{position}/proof")).text)
        leaf = (await sealed.get(f"audit-events/{position}/leaf")).content
        event = (await sealed.get(f"audit-events/{position}")).json()
        assert base64.b64decode(event["leaf_hash"]) == leaf_hash(leaf)
        opened = check_tlog_proof(proof, leaf_hash(leaf), ORIGIN, await sealed.vkeys(), verify_ed25519)
        assert (position - 1, size) == (proof.index, opened.checkpoint.size)


async def test_an_event_that_is_not_sealed_has_no_proof_yet(sealed: Sealed, pg: Pg) -> None:
    """503 and when to ask again; 404 for what is no event."""
    size = await sealed.grow(5)
    await fill(pg, 1)
    answer = await sealed.get(f"audit-events/{size + 1}/proof", 503)
    assert int(answer.headers["retry-after"]) > 0
    head = await sealed.desk.head()
    for position in (0, head + 100, 10**18):
        await sealed.get(f"audit-events/{position}/proof", 404)


async def test_an_older_checkpoint_is_proven_to_be_the_beginning(sealed: Sealed) -> None:
    """RFC 6962, 2.1.2; from no events at all, from an older size, from the latest itself."""
    old = await sealed.grow(40)
    before = (await sealed.checkpoint()).checkpoint
    size = await sealed.grow(600)
    now = (await sealed.checkpoint()).checkpoint
    for start, root in ((0, EMPTY_ROOT), (old, before.root), (size, now.root)):
        found = (await sealed.get(f"audit/consistency?from={start}")).json()
        hashes = [base64.b64decode(each) for each in found["proof"]]
        check_consistency(start, root, size, now.root, hashes)
        assert (start, base64.b64encode(root).decode()) == (found["from_size"], found["from_root"])
        assert (size, base64.b64encode(now.root).decode()) == (found["size"], found["root"])
        assert open_checkpoint(found["checkpoint"], ORIGIN, await sealed.vkeys(), verify_ed25519).checkpoint == now
    for wrong in (f"?from={size + 1}", "", "?from=-1", "?from=x", "?from=1&from=2", "?form=1"):
        await sealed.get(f"audit/consistency{wrong}", 422)


async def test_texts_say_once_how_they_are_encoded(sealed: Sealed) -> None:
    """Keys and checkpoints, as what Prometheus reads."""
    await sealed.grow(5)
    for path in ("audit/key", "audit/checkpoint"):
        assert "text/plain; charset=utf-8" == (await sealed.get(path)).headers["Content-Type"]
    metrics = await sealed.desk.as_(None).get("/metrics")
    assert "text/plain; version=0.0.4; charset=utf-8" == metrics.headers["Content-Type"]


async def test_keys_are_published_with_their_times(sealed: Sealed) -> None:
    """Those that sign as text, newest first; all of them as JSON."""
    await sealed.grow(5)
    ring = keyring(sealed.keys)
    [old] = ring.signers()
    new = ring.make(ORIGIN)
    await sealed.grow(5)
    assert [new.key, old.key] == await sealed.vkeys()
    ring.retire(old.key.key_id.hex())
    size = await sealed.grow(5)
    assert [new.key] == await sealed.vkeys()
    keys = (await sealed.get("audit/key", headers={"Accept": "application/json"})).json()["keys"]
    assert [str(new.key), str(old.key)] == [key["vkey"] for key in keys]
    assert [(None, None), (size, True)] == [(key["until_size"], key["until"] and True) for key in keys]


async def test_what_others_said_of_a_checkpoint_is_served_with_it(sealed: Sealed, pg: Pg) -> None:
    """Witnesses' cosignatures in the note, a time stamp beside the note that it covers."""
    size = await sealed.grow(5)
    alone = (await sealed.get("audit/checkpoint")).text
    line = f"— witness.example {base64.b64encode(bytes(76)).decode()}\n"
    await sealed.get(f"audit/checkpoints/{size}/timestamp", 404)
    with as_sealer(pg) as connection:
        number = only(connection, "SELECT max(number) FROM ledger.checkpoints")
        connection.execute("SELECT ledger.cosign(%s, %s)", [number, line])
        connection.execute("SELECT ledger.stamp(%s, %s)", [number, b"stamp"])
    assert alone + line == (await sealed.get("audit/checkpoint")).text
    assert (await sealed.get("audit-events/1/proof")).text.endswith(line)
    assert alone == (await sealed.get(f"audit/checkpoints/{size}")).text
    stamp = await sealed.get(f"audit/checkpoints/{size}/timestamp")
    assert (b"stamp", "application/timestamp-reply") == (stamp.content, stamp.headers["content-type"])
    for wrong in (size + 1, 10**18):
        await sealed.get(f"audit/checkpoints/{wrong}", 404)


async def test_before_the_first_checkpoint_there_is_nothing(desk: Desk) -> None:
    """503 and a sentence that names the process that is missing; no tile, no older checkpoint."""
    client = desk.as_("auditor")
    for path in ("audit/key", "audit/checkpoint", "audit/consistency?from=0", "audit-events/1/proof"):
        answer = await client.get(f"{API}/{path}")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5"), path
    assert "certferry seal" in (await client.get(f"{API}/audit/checkpoint")).json()["detail"]
    for path in ("audit/checkpoints/1", "audit/tile/0/000", "audit/tile/entries/000"):
        assert (await client.get(f"{API}/{path}")).status_code == 404, path


async def test_a_stored_tree_that_is_not_whole_is_told(sealed: Sealed, pg: Pg) -> None:
    """503 instead of a proof of nothing."""
    await sealed.grow(300)
    with tampering(pg) as connection:
        connection.execute("DELETE FROM ledger.tiles")
    for path in ("audit-events/1/proof", "audit/tile/0/000", "audit/tile/1/000.p/1", "audit/consistency?from=7"):
        assert "is not whole" in (await sealed.get(path, 503)).json()["detail"]


async def test_only_auditors_read_the_proofs(sealed: Sealed) -> None:
    """As everything that is read of the ledger."""
    await sealed.grow(5)
    for path in ("audit/key", "audit/checkpoint", "audit/tile/0/000.p/5", "audit/tile/entries/000.p/5",
                 "audit-events/1/proof", "audit/consistency?from=0"):  # fmt: skip
        assert (await sealed.desk.as_("operator").get(f"{API}/{path}")).status_code == 403, path
        assert (await sealed.desk.as_(None).get(f"{API}/{path}")).status_code == 401, path
    assert (await sealed.desk.as_("admin").post(f"{API}/audit/verifications")).status_code == 403


async def test_reading_entries_is_an_event(sealed: Sealed) -> None:
    """They tell who did what; hashes do not."""
    await sealed.grow(5)
    await sealed.get("audit/tile/0/000.p/5")
    await sealed.get("audit/tile/entries/000.p/5")
    await sealed.desk.app.state.read_recorder.finish()
    reads = (await sealed.desk.as_("auditor").get(f"{API}/audit-events?type=audit.log.read&sort=-position")).json()
    assert "entries" in reads["items"][0]["data"]["query"]


async def test_a_verification_recomputes_the_ledger(working_desk: Desk, pg: Pg, tmp_path: Path) -> None:
    """202 and where it is; the outcome, also against a checkpoint that was kept; the position that does not hold."""
    sealed = Sealed(working_desk, pg, tmp_path / "keys")
    await sealed.grow(300)
    kept = (await sealed.get("audit/checkpoint")).text
    good = await verified(sealed, {"checkpoint": kept})
    assert (True, None, None) == (good["intact"], good["position"], good["finding"])
    assert good["size"] >= 300
    assert good["checkpoints"] == 1
    assert hashlib.sha256(b"").digest() != base64.b64decode(good["root"])

    with tampering(pg) as connection:
        connection.execute("UPDATE ledger.events SET state = state || ' ' WHERE notification_id = 42")
    bad = await verified(sealed, None)
    assert (False, 42) == (bad["intact"], bad["position"])
    assert "position 42: the payload" in bad["finding"]


async def verified(sealed: Sealed, body: dict[str, str] | None) -> dict[str, Any]:
    """The outcome of a verification."""
    client = sealed.desk.as_("auditor")
    started = await client.post(f"{API}/audit/verifications", json=body)
    assert started.status_code == 202, started.text
    assert started.json()["outcome"] is None
    for _ in range(600):
        found = (await client.get(started.headers["location"])).json()
        if found["status"] == "completed":
            outcome: dict[str, Any] = found["outcome"]
            return outcome
        await asyncio.sleep(0.1)
    raise AssertionError("the verification did not end")


async def test_what_is_no_checkpoint_is_refused(desk: Desk) -> None:
    """With a pointer to the field."""
    client = desk.as_("auditor")
    for text in ("nonsense", "a\n1\nAAAA\n\n— a AAAAAAA=\n", ""):
        answer = await client.post(f"{API}/audit/verifications", json={"checkpoint": text})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/checkpoint")
    unknown = "audit/verifications/6a0e2f7c-2b5d-5d5c-9d0e-3c7a1f0b9e44"
    assert (await client.get(f"{API}/{unknown}")).status_code == 404
