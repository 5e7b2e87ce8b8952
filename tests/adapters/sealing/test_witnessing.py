"""Witnesses sign that they saw the log only grow; their signatures are kept beside the checkpoint."""

from pathlib import Path
from typing import Any

import psycopg
import pytest

from adapters.keys.ed25519 import verify_ed25519
from adapters.sealing import checkpoints
from adapters.sealing.checkpoints import Sealed
from adapters.sealing.witnessing import NotCosigned, Witness, Witnessing
from domain.transparency.checkpoint import open_checkpoint
from domain.transparency.note import parse_note, parse_signatures
from tests.adapters.sealing import forging
from tests.adapters.sealing.ledgers import ORIGIN, as_sealer, fill, keyring, only, seal, tampering
from tests.adapters.sealing.witness import AT, TestWitness
from tests.support.postgres import Pg


async def sealed(pg: Pg, directory: Path, count: int) -> Sealed:
    await fill(pg, count)
    seal(pg, directory)
    with as_sealer(pg) as connection:
        found = checkpoints.latest(connection)
    assert found is not None
    return found


def witness_of(directory: Path) -> TestWitness:
    return TestWitness(ORIGIN, [signer.key for signer in keyring(directory).signers()])


def asking(connection: psycopg.Connection[Any], witness: TestWitness) -> Witnessing:
    return Witnessing(connection, Witness.parse(f"{witness.signer.key} {witness.url}"))


async def test_every_checkpoint_is_cosigned_after_the_one_before(pg: Pg, tmp_path: Path) -> None:
    """With a proof of consistency; a process that does not know what the witness saw learns it from the refusal."""
    with witness_of(tmp_path).served() as witness, as_sealer(pg) as connection:
        first = asking(connection, witness)
        for count in (10, 300, 1):
            latest = await sealed(pg, tmp_path, count)
            first.send(latest)
            line = only(connection, "SELECT line FROM ledger.cosignatures WHERE checkpoint = %s", latest.number)
            whole = parse_note(latest.note).signed_too(parse_signatures(line))
            keys = [signer.key for signer in keyring(tmp_path).signers()]
            opened = open_checkpoint(str(whole), ORIGIN, [*keys, witness.signer.key], verify_ed25519)
            assert [(witness.signer.key, AT)] == [(each.key, each.timestamp) for each in opened.cosignatures]
        again = asking(connection, witness)
        again.send(await sealed(pg, tmp_path, 5))
        again.send(await sealed(pg, tmp_path, 0))
    assert [200, 200, 200, 409, 200, 200] == witness.asked
    assert 316 == witness.size


async def test_a_witness_does_not_sign_a_rewritten_history(pg: Pg, tmp_path: Path) -> None:
    """Whoever holds database and key cannot make it forget what it saw."""
    with witness_of(tmp_path).served() as witness, as_sealer(pg) as connection:
        asking(connection, witness).send(await sealed(pg, tmp_path, 10))
        with tampering(pg) as owner:
            forging.rewrite(owner, 3, b"{}")
            forging.seal_again(owner, keyring(tmp_path).signers())
        with pytest.raises(NotCosigned, match="422"):
            asking(connection, witness).send(await sealed(pg, tmp_path, 10))
        assert 1 == only(connection, "SELECT count(*) FROM ledger.cosignatures")


async def test_a_witness_that_has_seen_more_tells_of_an_older_backup(pg: Pg, tmp_path: Path) -> None:
    """The sentence says what it knows."""
    with witness_of(tmp_path).served() as witness, as_sealer(pg) as connection:
        latest = await sealed(pg, tmp_path, 10)
        witness.size = 4711
        with pytest.raises(NotCosigned, match="has seen 4711 events, more than the 10"):
            asking(connection, witness).send(latest)


@pytest.mark.parametrize("text", ["", "— witness.example/w AAAAAAA=\n", "nonsense\n"])
async def test_an_answer_without_a_valid_cosignature_is_refused(
    pg: Pg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """Nothing of it is kept."""
    with witness_of(tmp_path).served() as witness, as_sealer(pg) as connection:
        monkeypatch.setattr(witness, "answer", lambda _: (200, "text/plain", text))
        with pytest.raises(NotCosigned, match="not valid"):
            asking(connection, witness).send(await sealed(pg, tmp_path, 10))
        assert 0 == only(connection, "SELECT count(*) FROM ledger.cosignatures")


def test_a_witness_is_named_by_the_key_of_its_cosignatures(tmp_path: Path) -> None:
    """A log's own key will not do, nor will an address without a scheme."""
    [log] = keyring(tmp_path).signers()
    key = witness_of(tmp_path).signer.key
    for text in (f"{log.key} http://witness.example", f"{key} witness.example", str(key), "key http://witness.example"):
        with pytest.raises(ValueError, match=r"vkey|verifier key|base64"):
            Witness.parse(text)
