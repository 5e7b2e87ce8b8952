"""Signed notes, checkpoints, cosignatures and proofs in files: the formats of C2SP, with its own examples."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.keys.ed25519 import NoteSigner, verify_ed25519
from domain.transparency.checkpoint import Checkpoint, Opened, check_origin, open_checkpoint, parse_checkpoint
from domain.transparency.hashing import EMPTY_ROOT, leaf_hash
from domain.transparency.keys import COSIGNATURE, VerifierKey, cosigned_message, signed, verified
from domain.transparency.note import Note, NoteSignature, parse_note, parse_signatures
from domain.transparency.proving import NotProven, hashes_of, inclusion_path
from domain.transparency.tlog_proof import TlogProof, check_tlog_proof, parse_tlog_proof
from tests.domain.transparency.by_the_book import mth
from tests.domain.transparency.trees import leaves, lookup

# C2SP signed-note, "Example".
VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
NOTE = """This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
"""
ORIGIN = "ledger.example/test"
LOG = NoteSigner.named(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\1"))
NEXT = NoteSigner.named(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\2"))
WITNESS = NoteSigner.named("witness.example/w", Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\3"), COSIGNATURE)
CHECKPOINT = Checkpoint(ORIGIN, 5, mth(leaves(5)))


def open_(raw: str, *keys: VerifierKey) -> Opened:
    return open_checkpoint(raw, ORIGIN, keys or (LOG.key,), verify_ed25519)


def cosignature(text: str, at: int) -> NoteSignature:
    return WITNESS.key.line(at.to_bytes(8) + WITNESS.sign(cosigned_message(text, at)))


def test_the_example_of_the_specification_verifies() -> None:
    """Its key, its key id, its signature."""
    key = VerifierKey.parse(VKEY)
    assert VKEY == str(key)
    [found] = verified(parse_note(NOTE), [key], verify_ed25519)
    assert key == found.key
    assert NOTE == str(parse_note(NOTE))


@pytest.mark.parametrize(
    "vkey",
    ["", "name", "a b+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", VKEY.replace("530d", "530e"),
     VKEY.replace("foo", "bar"), VKEY[:-4], VKEY.replace("+Ae", "+A!"), VKEY.replace("AekyeRr", "CekyeRr")],
)  # fmt: skip
def test_a_key_that_contradicts_itself_is_refused(vkey: str) -> None:
    """Its id follows from its name, type and bytes."""
    with pytest.raises(NotProven):
        VerifierKey.parse(vkey)


@pytest.mark.parametrize(
    "raw",
    ["", "text\n", NOTE.rstrip("\n"), NOTE.replace("— ", "- "), NOTE.replace("\n\n", "\n"), NOTE.replace("is", "\x07"),
     NOTE.replace("Uw2Q", "Uw 2Q"), NOTE.replace("— example.com/foo", "— a+b"), NOTE.replace("=", "=="), NOTE + "\n",
     NOTE + "— short AAAA\n", NOTE + "— example.com/foo Uw2QOg==\n" * 200, "x" * 1_000_001 + NOTE],
)  # fmt: skip
def test_what_is_no_note_is_refused(raw: str) -> None:
    """Cut, malformed, padded, endless."""
    with pytest.raises(NotProven):
        parse_note(raw)


def test_a_text_may_have_empty_lines() -> None:
    """The last empty line separates the signatures."""
    note = signed("one\n\ntwo\n", [LOG])
    assert note == parse_note(str(note))
    assert verified(note, [LOG.key], verify_ed25519)


def test_a_checkpoint_is_opened_by_a_key_of_the_log() -> None:
    """Origin, size and root come out as they went in."""
    opened = open_(str(signed(CHECKPOINT.text, [LOG])))
    assert CHECKPOINT == opened.checkpoint
    assert (LOG.key,) == tuple(each.key for each in opened.signatures)


def test_in_a_key_s_rotation_both_keys_sign() -> None:
    """Whoever knows only the old one, or only the new one, can open it."""
    raw = str(signed(CHECKPOINT.text, [LOG, NEXT]))
    assert 1 == len(open_(raw, LOG.key).signatures)
    assert 1 == len(open_(raw, NEXT.key).signatures)
    assert 2 == len(open_(raw, LOG.key, NEXT.key).signatures)


def test_a_witness_s_cosignature_is_carried_with_its_instant() -> None:
    """It signs the instant and the checkpoint (C2SP tlog-cosignature); it does not replace the log's signature."""
    note = signed(CHECKPOINT.text, [LOG]).signed_too([cosignature(CHECKPOINT.text, 1_800_000_000)])
    opened = open_(str(note), LOG.key, WITNESS.key)
    assert [(WITNESS.key, 1_800_000_000)] == [(each.key, each.timestamp) for each in opened.cosignatures]
    assert note == note.signed_too(note.signatures)
    with pytest.raises(NotProven, match="no known key"):
        open_(str(note), WITNESS.key)


def test_signatures_by_strangers_are_ignored_but_a_wrong_one_by_a_known_key_is_not() -> None:
    """C2SP signed-note, "Signatures"."""
    stranger = NoteSigner.named("stranger.example", NEXT.private_key)
    note = signed(CHECKPOINT.text, [stranger, LOG])
    assert open_(str(note)).checkpoint == CHECKPOINT
    wrong = Note(note.text, (LOG.key.line(bytes(64)), *note.signatures))
    with pytest.raises(NotProven, match="not valid"):
        open_(str(wrong))
    moved = signed(CHECKPOINT.text, [LOG]).signed_too([WITNESS.key.line(bytes(8) + bytes(64))])
    with pytest.raises(NotProven, match=r"witness\.example"):
        open_(str(moved), LOG.key, WITNESS.key)


@pytest.mark.parametrize("raw", [str(signed(CHECKPOINT.text, [NEXT])), str(signed("x.example\n5\nAAAA\n", [LOG]))])
def test_neither_another_key_nor_another_text_will_do(raw: str) -> None:
    """A valid signature of something else proves nothing."""
    with pytest.raises(NotProven):
        open_(raw)


def test_a_checkpoint_of_another_log_is_refused() -> None:
    """Even one that the same key has signed."""
    other = Checkpoint("other.example", 5, CHECKPOINT.root)
    with pytest.raises(NotProven, match=r"of 'other\.example', not of"):
        open_(str(signed(other.text, [LOG])))


@pytest.mark.parametrize("replaced", [("\n5\n", "\n05\n"), ("\n5\n", "\n-5\n"), ("\n5\n", "\n٥\n"), ("\n5\n", "\n0\n"),
                                      ("=\n", "\n"), ("\n5\n", "\n" + "9" * 20 + "\n"), ("\n5\n", "\n\n")])  # fmt: skip
def test_a_malformed_checkpoint_is_refused(replaced: tuple[str, str]) -> None:
    """One spelling of every number and hash."""
    with pytest.raises(NotProven):
        parse_checkpoint(CHECKPOINT.text.replace(*replaced))


def test_extension_lines_are_allowed_and_ignored() -> None:
    """C2SP tlog-checkpoint."""
    assert CHECKPOINT == parse_checkpoint(CHECKPOINT.text + "extension\n")


def test_the_checkpoint_of_an_empty_log_has_one_root() -> None:
    """The hash of nothing."""
    empty = Checkpoint(ORIGIN, 0, EMPTY_ROOT)
    assert empty == parse_checkpoint(empty.text)


@pytest.mark.parametrize("origin", ["", "a b", "a+b", "a\nb", "a\u2003b"])
def test_an_origin_is_a_name(origin: str) -> None:
    """It is the name of the keys, too."""
    with pytest.raises(ValueError, match="without spaces"):
        check_origin(origin)


def proof_of(number: int) -> TlogProof:
    entries = leaves(5)
    return TlogProof(
        number, tuple(hashes_of(inclusion_path(number, 5), lookup(entries))), str(signed(CHECKPOINT.text, [LOG]))
    )


@pytest.mark.parametrize("number", range(5))
def test_a_proof_in_a_file_proves_its_entry(number: int) -> None:
    """Written, read, checked; and it proves no other entry."""
    read = parse_tlog_proof(str(proof_of(number)))
    assert proof_of(number) == read
    opened = check_tlog_proof(read, leaf_hash(leaves(5)[number]), ORIGIN, [LOG.key], verify_ed25519)
    assert CHECKPOINT == opened.checkpoint
    with pytest.raises(NotProven, match="another root"):
        check_tlog_proof(read, leaf_hash(b"other"), ORIGIN, [LOG.key], verify_ed25519)


def test_a_proof_may_carry_something_of_the_application_s() -> None:
    """The extra line, which nothing authenticates."""
    proof = TlogProof(2, proof_of(2).hashes, proof_of(2).checkpoint, b"salt")
    assert str(proof).startswith("c2sp.org/tlog-proof@v1\nextra c2FsdA==\nindex 2\n")
    assert proof == parse_tlog_proof(str(proof))


@pytest.mark.parametrize(
    "replaced",
    [("@v1", "@v2"), ("index 2", "index 02"), ("index 2", "index"), ("index 2\n", ""), ("index 2", "index 2\nAAAA")],
)
def test_a_malformed_proof_is_refused(replaced: tuple[str, str]) -> None:
    """Every line has one form."""
    with pytest.raises(NotProven):
        parse_tlog_proof(str(proof_of(2)).replace(*replaced))


@pytest.mark.parametrize("length", [30, 80, 150, 260])
def test_a_truncated_proof_is_refused(length: int) -> None:
    """Wherever the file was cut."""
    raw = str(proof_of(2))[:length]
    with pytest.raises(NotProven):
        check_tlog_proof(parse_tlog_proof(raw), leaf_hash(leaves(5)[2]), ORIGIN, [LOG.key], verify_ed25519)


def test_a_witness_s_answer_is_signature_lines_alone() -> None:
    """C2SP tlog-witness, add-checkpoint."""
    line = cosignature(CHECKPOINT.text, 7)
    assert (line, line) == parse_signatures(f"{line}{line}")
