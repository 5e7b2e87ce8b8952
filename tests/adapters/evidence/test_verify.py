"""The verifier that is shipped in every archive: what holds passes, anything else fails and is named."""

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.evidence import verify
from adapters.keys.ed25519 import verify_ed25519
from domain.transparency.checkpoint import open_checkpoint
from tests.adapters.evidence.ledgers import KEY, ORIGIN, OTHER_KEY, SealedLedger, raw_events, saved
from tests.projections.histories import history

FIRST, LAST = 21, 80


@pytest.fixture(scope="module")
def ledger() -> SealedLedger:
    return SealedLedger(raw_events(history(31, 600))[:130])


@pytest.fixture(scope="module")
def archive(ledger: SealedLedger) -> bytes:
    return ledger.range(FIRST, LAST)


def found(path: Path, *options: str) -> list[str]:
    """What is wrong with an archive."""
    status = verify.main([str(path), *options])
    assert status == bool(verify.wrong)
    return list(verify.wrong)


def contents(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        return {name: files.read(name) for name in files.namelist()}


def test_as_a_program(archive: bytes, tmp_path: Path) -> None:
    """Taken out of the archive and run alone, with nothing of ours beside it: all of it holds."""
    path = saved(tmp_path, archive)
    (tmp_path / "verify.py").write_bytes(contents(archive)["verify.py"])
    command = [sys.executable, "-I", "verify.py", path.name]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert (0, "") == (done.returncode, done.stderr)
    assert done.stdout.endswith("All of it holds.\n")
    assert f"60 events in a ledger of 130, signed by {KEY.key}" in done.stdout
    path.write_bytes(archive[:-200] + b"x" + archive[-199:])
    assert 1 == subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=60).returncode


def test_it_is_short_enough_to_be_read() -> None:
    """At most 200 lines, and nothing but the standard library and `cryptography`."""
    lines = Path(verify.__file__).read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 200
    imported = {line.split()[1].partition(".")[0] for line in lines if line.startswith(("import ", "from "))}
    assert imported <= {*sys.stdlib_module_names, "cryptography"}


@pytest.mark.parametrize(
    ("first", "last", "size"), [(1, 130, 130), (1, 1, 1), (64, 64, 130), (7, 99, 99), (130, 130, 130)]
)
def test_any_range(ledger: SealedLedger, tmp_path: Path, first: int, last: int, size: int) -> None:
    """From anywhere to anywhere, under any checkpoint that covers it."""
    assert [] == found(saved(tmp_path, ledger.range(first, last, size)))


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_flipped_bit_anywhere(archive: bytes, tmp_path: Path, data: st.DataObject) -> None:
    """In any file, in any header, in the directory, in the trailer: it fails and says what is wrong."""
    at, bit = data.draw(st.integers(0, len(archive) - 1)), data.draw(st.integers(0, 7))
    flipped = archive[:at] + bytes([archive[at] ^ 1 << bit]) + archive[at + 1 :]
    assert found(saved(tmp_path, flipped))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_cut_anywhere(archive: bytes, tmp_path: Path, data: st.DataObject) -> None:
    """At the end, at the beginning, in the middle: it fails."""
    start = data.draw(st.integers(0, len(archive) - 1))
    end = data.draw(st.integers(start + 1, len(archive)))
    assert found(saved(tmp_path, archive[:start] + archive[end:]))


def rewritten(archive: bytes, **files: bytes | None) -> bytes:
    """An archive made anew by somebody who knows how: some files different (None: gone), manifest and trailer right."""
    from adapters.evidence.archive import Archive

    out, about = io.BytesIO(), json.loads(contents(archive)["manifest.json"])
    made = Archive(out)
    for name, content in (contents(archive) | files).items():
        if content is not None and name != "manifest.json":
            made.add(name, content)
    del about["files"], about["format"]
    made.finish(about)
    return out.getvalue()


def lines(archive: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in contents(archive)["events.ndjson"].splitlines()]


def with_lines(archive: bytes, told: list[dict[str, Any]]) -> bytes:
    """Events changed by somebody who makes everything else fit."""
    return rewritten(archive, **{"events.ndjson": b"".join(json.dumps(each).encode() + b"\n" for each in told)})


def test_rewriting_alone_changes_nothing(archive: bytes, tmp_path: Path) -> None:
    """(So that the tests below fail for their own reason.)"""
    assert [] == found(saved(tmp_path, rewritten(archive)))
    assert [] == found(saved(tmp_path, with_lines(archive, lines(archive))))


def forgeries(archive: bytes) -> Iterator[tuple[str, bytes, str]]:
    """What somebody may try who can make manifest and trailer fit, and what the verifier says."""
    told = lines(archive)
    first = told[0]
    leaf, payload = json.loads(first["leaf"]), json.loads(first["payload"])
    yield "an event dropped", with_lines(archive, told[:30] + told[31:]), "59 events"
    yield "the first dropped", with_lines(archive, told[1:]), "59 events"
    yield "the last dropped", with_lines(archive, told[:-1]), "59 events"
    yield "one doubled", with_lines(archive, [*told[:5], told[4], *told[5:]]), "does not come after"
    yield "two swapped", with_lines(archive, [told[1], told[0], *told[2:]]), "does not come after"
    other = json.dumps(payload | {"owner": "eve"})
    yield (
        "another payload",
        with_lines(archive, [first | {"payload": other}, *told[1:]]),
        f"position {FIRST}: the payload",
    )
    yield (
        "another salt",
        with_lines(archive, [first | {"salt": told[1]["salt"]}, *told[1:]]),
        f"position {FIRST}: the payload",
    )
    forged = json.dumps(leaf | {"actor": {"kind": "user", "id": "eve"}}, separators=(",", ":"))
    yield "another leaf", with_lines(archive, [first | {"leaf": forged}, *told[1:]]), "other events than those"
    moved = json.dumps(leaf | {"position": FIRST + 1}, separators=(",", ":"))
    yield "another position", with_lines(archive, [first | {"leaf": moved}, *told[1:]]), "another position"
    proof = json.loads(contents(archive)["proof.json"])
    yield "a shorter proof", rewritten(archive, **{"proof.json": json.dumps(proof[:-1]).encode()}), "other events"
    yield (
        "a longer proof",
        rewritten(archive, **{"proof.json": json.dumps([*proof, proof[0]]).encode()}),
        "other events",
    )
    note = contents(archive)["checkpoint.txt"].decode()
    yield (
        "another size",
        rewritten(archive, **{"checkpoint.txt": note.replace("\n130\n", "\n131\n").encode()}),
        "the signature",
    )
    yield "no key", rewritten(archive, **{"vkeys.txt": b""}), "none of the keys"
    yield "no checkpoint", rewritten(archive, **{"checkpoint.txt": None}), "checkpoint.txt"
    yield "no events", rewritten(archive, **{"events.ndjson": b""}), "events.ndjson: 0 events"


def test_what_somebody_may_try(archive: bytes, tmp_path: Path) -> None:
    """Each fails, and the sentence says where."""
    for what, forged, said in forgeries(archive):
        wrong = found(saved(tmp_path, forged))
        assert any(said in sentence for sentence in wrong), (what, wrong)


def test_files_that_were_swapped_added_renamed_or_doubled(archive: bytes, tmp_path: Path) -> None:
    """By somebody who leaves the manifest as it is: every one is named."""
    files = contents(archive)
    for changed, named in (
        (files | {"VERIFY.md": files["vkeys.txt"]}, "VERIFY.md"),
        (files | {"extra.txt": b"hello"}, "extra.txt"),
        ({("notes.md" if name == "VERIFY.md" else name): content for name, content in files.items()}, "notes.md"),
        ({name: content for name, content in files.items() if name != "verify.py"}, "verify.py"),
    ):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as made:
            for name, content in changed.items():
                made.writestr(name, content)
        wrong = found(saved(tmp_path, out.getvalue()))
        assert any(sentence.startswith(f"{named}: ") for sentence in wrong), (named, wrong)
        assert any("evidence.zip: is not the archive" in sentence for sentence in wrong)


def test_whoever_has_database_and_key_fails_against_a_checkpoint_kept_elsewhere(
    ledger: SealedLedger, tmp_path: Path
) -> None:
    """Another history, signed by the real key, is without fault of its own; an older checkpoint, or a newer, tells."""
    events = list(ledger.events)
    events[40] = events[40]._replace(leaf=events[40].leaf.replace(b'"v":1', b'"v":1,"w":0'))
    forged = SealedLedger(events)
    path = saved(tmp_path, forged.range(FIRST, LAST))
    assert [] == found(path)
    for size, caught in ((60, True), (41, True), (40, False), (130, True)):
        kept = tmp_path / f"{size}.txt"
        kept.write_text(ledger.note(size), encoding="utf-8")
        assert caught == bool(found(path, "--checkpoint", str(kept))), size


def test_a_checkpoint_that_cannot_be_compared_is_told(
    ledger: SealedLedger, archive: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody shall take silence for agreement."""
    kept = tmp_path / "kept.txt"
    kept.write_text(ledger.note(100), encoding="utf-8")
    assert [] == found(saved(tmp_path, archive), "--checkpoint", str(kept))
    assert "The checkpoint of 100 events cannot be compared" in capsys.readouterr().out


def test_the_key_comes_from_whom_one_trusts(ledger: SealedLedger, archive: bytes, tmp_path: Path) -> None:
    """With the right key it holds; one that somebody else brought along does not help them."""
    path = saved(tmp_path, archive)
    assert [] == found(path, "--vkey", str(KEY.key))
    assert found(path, "--vkey", str(OTHER_KEY.key))
    eve = saved(tmp_path, SealedLedger(ledger.events, OTHER_KEY).range(FIRST, LAST))
    assert [] == found(eve)
    assert found(eve, "--vkey", str(KEY.key))


def test_an_erased_payload_still_proves(archive: bytes, tmp_path: Path) -> None:
    """Without its payload an event is proven by its leaf alone."""
    told = lines(archive)
    assert [] == found(saved(tmp_path, with_lines(archive, [told[0] | {"payload": None}, *told[1:]])))


def test_the_checkpoint_is_a_checkpoint(archive: bytes) -> None:
    """As our own reading of C2SP has it, too."""
    note = contents(archive)["checkpoint.txt"].decode()
    assert 130 == open_checkpoint(note, ORIGIN, [KEY.key], verify_ed25519).checkpoint.size


def test_the_same_contents_are_the_same_bytes(ledger: SealedLedger, archive: bytes) -> None:
    """Made twice, at different times."""
    assert archive == ledger.range(FIRST, LAST)


def test_no_file_at_all(tmp_path: Path) -> None:
    """Status 1 and a sentence, never a traceback."""
    assert found(tmp_path / "nothing.zip")
    assert found(saved(tmp_path, b""))
    assert found(saved(tmp_path, b"PK\5\6" + bytes(18)))
