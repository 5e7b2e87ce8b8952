"""A log of ten thousand events, seen by implementations that nobody here wrote.

pymerkle builds the tree itself and checks our proofs; @sigstore/verify checks proofs with their checkpoints; OpenSSL
checks signatures; aics-tlog, where there is Python 3.12, all of C2SP. They agree on what is valid, and on what is not.
"""

import asyncio
import json
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pymerkle
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from adapters.keys.ed25519 import NoteSigner
from adapters.postgres.raw import pages
from adapters.sealing import checkpoints
from adapters.sealing.recomputing import Recomputation
from adapters.sealing.tree_store import tiles_at
from domain.transparency.checkpoint import Checkpoint, parse_checkpoint
from domain.transparency.hashing import leaf_hash
from domain.transparency.note import parse_note
from domain.transparency.proving import NotProven, consistency_path, hashes_of, inclusion_path
from domain.transparency.tiles import lookup_in, tiles_for
from domain.transparency.verifying import check_consistency
from tests.adapters.sealing import forging
from tests.adapters.sealing.ledgers import ORIGIN, as_sealer, fill, keyring, seal, tampering
from tests.support.components import require
from tests.support.postgres import Pg, PostgresServer, database

COUNT = 10_000
SAMPLE = (1, 2, 255, 256, 257, 4711, 8192, 8193, 9984, 9985, COUNT)
HERE = Path(__file__).parent


class Log(NamedTuple):
    """The log as its owner has it, and what was taken out of it."""

    pg: Pg
    signer: NoteSigner
    leaves: list[bytes]
    notes: list[str]

    @property
    def latest(self) -> Checkpoint:
        return parse_checkpoint(parse_note(self.notes[-1]).text)

    def proof(self, position: int) -> list[bytes]:
        return self._hashes(inclusion_path(position - 1, COUNT))

    def consistency(self, old: int) -> list[bytes]:
        return self._hashes(consistency_path(old, COUNT))

    def _hashes(self, path: list[Any]) -> list[bytes]:
        with as_sealer(self.pg) as connection:
            tiles = tiles_at(connection, tiles_for(path, COUNT), COUNT)
        return hashes_of(path, lookup_in(tiles))


def taken_out(pg: Pg, signer: NoteSigner) -> Log:
    with psycopg.connect(pg.app_dsn, autocommit=True) as connection:
        leaves = [event.leaf for page in pages(connection, 0, COUNT) for event in page]
        notes = [each.note for each in checkpoints.between(connection, 0, COUNT)]
    return Log(pg, signer, leaves, notes)


@pytest.fixture(scope="module")
def log(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    """Ten thousand events, sealed by three checkpoints."""
    keys = tmp_path_factory.mktemp("keys")
    with database(postgres_server) as pg:
        asyncio.run(fill(pg, COUNT))
        seal(pg, keys, batch=4000)
        yield taken_out(pg, keyring(keys).signers()[0])


@pytest.fixture(scope="module")
def tree(log: Log) -> Any:
    """The log's tree as pymerkle builds it."""
    return tree_of(log.leaves)


def tree_of(leaves: Sequence[bytes]) -> Any:
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for leaf in leaves:
        tree.append_entry(leaf)
    return tree


def sigstore(log: Log, positions: Sequence[int], **change: Any) -> list[str]:
    """What @sigstore/verify says of the proofs of these positions."""
    key = log.signer.private_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    proofs = [
        {
            "index": position - 1,
            "leaf": b64encode(log.leaves[position - 1]).decode(),
            "hashes": [b64encode(each).decode() for each in log.proof(position)],
            "checkpoint": log.notes[-1],
        }
        | change
        for position in positions
    ]
    given = {
        "package": str(require("sigstore-verify")),
        "name": ORIGIN,
        "publicKey": b64encode(key).decode(),
        "proofs": proofs,
    }
    command = ["node", str(HERE / "sigstore.cjs")]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_pymerkle_builds_the_same_tree(log: Log, tree: Any) -> None:
    """The root of every checkpoint."""
    found = [parse_checkpoint(parse_note(note).text) for note in log.notes]
    assert [4000, 8000, COUNT] == [each.size for each in found]
    for checkpoint in found:
        assert tree.get_root(checkpoint.size) == checkpoint.root


@pytest.mark.parametrize("position", SAMPLE)
def test_pymerkle_accepts_our_proofs_and_no_other(log: Log, tree: Any, position: int) -> None:
    """Its rule of combining, our hashes, our root."""
    size, root, leaf = COUNT, log.latest.root, leaf_hash(log.leaves[position - 1])
    shape = tree.prove_inclusion(position, size).serialize()
    ours = [leaf, *log.proof(position)]

    def verified(path: list[bytes]) -> None:
        proof = pymerkle.MerkleProof.deserialize(shape | {"path": [each.hex() for each in path]})
        pymerkle.verify_inclusion(leaf, root, proof)

    verified(ours)
    with pytest.raises(pymerkle.InvalidProof):
        verified([*ours[:-1], bytes(32)])


@pytest.mark.parametrize("old", [1, 4000, 8000, 9999])
def test_pymerkle_finds_our_roots_consistent(log: Log, tree: Any, old: int) -> None:
    """And ours finds its roots consistent."""
    check_consistency(old, tree.get_root(old), COUNT, log.latest.root, log.consistency(old))
    pymerkle.verify_consistency(tree.get_root(old), log.latest.root, tree.prove_consistency(old, COUNT))
    with pytest.raises(pymerkle.InvalidProof):
        pymerkle.verify_consistency(bytes(32), log.latest.root, tree.prove_consistency(old, COUNT))


@pytest.mark.needs("sigstore-verify")
def test_sigstore_accepts_our_proofs_and_no_other(log: Log) -> None:
    """Checkpoint, signature, place and hashes; each alone is missed when it is another one."""
    assert ["valid"] * len(SAMPLE) == sigstore(log, SAMPLE)
    other = b64encode(b"another leaf").decode()
    assert ["calculated root hash does not match inclusion proof"] == sigstore(log, [4711], leaf=other)
    assert ["invalid checkpoint signature"] == sigstore(
        log, [4711], checkpoint=log.notes[-1].replace("\n10000\n", "\n9999\n")
    )
    assert "valid" not in sigstore(log, [4711], index=4711)
    assert "valid" not in sigstore(log, [4711], checkpoint=log.notes[0])


@pytest.mark.needs("openssl")
def test_openssl_verifies_the_signatures(log: Log, tmp_path: Path) -> None:
    """Ed25519 over the note's text, as the how-to for auditors says."""
    key = log.signer.private_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key.der").write_bytes(key)

    def verifies(text: str, signature: bytes) -> bool:
        (tmp_path / "text").write_text(text)
        (tmp_path / "signature").write_bytes(signature)
        options = ("-pubin", "-inkey", "key.der", "-keyform", "DER", "-rawin", "-in", "text", "-sigfile", "signature")
        command = [str(require("openssl")), "pkeyutl", "-verify", *options]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0

    for note in map(parse_note, log.notes):
        [line] = note.signatures
        assert verifies(note.text, line.signature)
        assert not verifies(note.text.replace("0\n", "1\n", 1), line.signature)


if sys.version_info >= (3, 12):

    def test_aics_tlog_accepts_our_checkpoints_and_proofs(log: Log) -> None:
        """Key, note, inclusion and consistency, by an implementation of the whole of C2SP."""
        import aics_tlog

        tree = aics_tlog.MerkleTree(log.leaves)
        assert tree.root() == log.latest.root
        vkey = str(log.signer.key)
        for note in log.notes:
            assert aics_tlog.verify_checkpoint(aics_tlog.Note.parse(note), vkey, [], quorum=0).ok
        for position in SAMPLE:
            leaf, proof = log.leaves[position - 1], log.proof(position)
            assert tree.inclusion_proof(position - 1) == proof
            assert aics_tlog.verify_leaf_inclusion(leaf, position - 1, COUNT, proof, log.latest.root)
            assert not aics_tlog.verify_leaf_inclusion(b"other", position - 1, COUNT, proof, log.latest.root)
        for old in (1, 4000, 9999):
            assert aics_tlog.verify_consistency(old, COUNT, tree.root(old), log.latest.root, log.consistency(old))


@pytest.mark.needs("sigstore-verify")
def test_a_forger_with_database_and_key_deceives_all_but_who_kept_a_checkpoint(
    postgres_server: PostgresServer, log: Log
) -> None:
    """One event rewritten, all sealed again: every verifier is content, but no older checkpoint leads to that root."""
    with database(postgres_server, template=log.pg.name) as pg:
        with tampering(pg) as connection:
            forging.rewrite(connection, 4711, b'{"query":"nothing to see"}')
            forging.seal_again(connection, [log.signer])
        forged = taken_out(pg, log.signer)
        with psycopg.connect(pg.app_dsn, autocommit=True) as connection:
            whole = Recomputation(connection)
            whole.step(COUNT)
        assert forged.latest.root == whole.root() == tree_of(forged.leaves).get_root(COUNT)
        assert ["valid"] == sigstore(forged, [4711])

        kept = parse_checkpoint(parse_note(log.notes[1]).text)
        check_consistency(kept.size, kept.root, COUNT, log.latest.root, log.consistency(kept.size))
        for hashes in (log.consistency(kept.size), forged.consistency(kept.size)):
            with pytest.raises(NotProven, match="does not begin with"):
                check_consistency(kept.size, kept.root, COUNT, forged.latest.root, hashes)
        proof = tree_of(forged.leaves).prove_consistency(kept.size, COUNT)
        with pytest.raises(pymerkle.InvalidProof):
            pymerkle.verify_consistency(kept.root, forged.latest.root, proof)
        assert ["valid"] != sigstore(forged, [4711], checkpoint=log.notes[-1])
