"""Checks an archive of evidence without the service that made it. Needs Python 3.9 and the package `cryptography`.

Every file is compared with the manifest, every event with its leaf, the leaves with the Merkle tree (RFC 6962), the
tree with the signed checkpoint (C2SP tlog-checkpoint), and a push with what was approved. Exit status 0: all of it
holds; 1: what is printed does not.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import zipfile
import zlib
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

UNREADABLE = (OSError, ValueError, LookupError, TypeError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)
wrong: list[str] = []


def check(holds: bool, where: object, what: str) -> None:
    if not holds:
        wrong.append(f"{where}: {what}")


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def check_trailer(path: str) -> None:
    """The archive ends with the SHA-256 of everything before, as its comment of 71 characters."""
    digest, held = hashlib.sha256(), b""
    with Path(path).open("rb") as file:
        while block := file.read(1 << 20):
            digest.update((held + block)[:-71])
            held = (held + block)[-71:]
    check(held == f"sha256:{digest.hexdigest()}".encode(), path, "is not the archive that was written")


def check_files(archive: zipfile.ZipFile, manifest: Any) -> None:
    """Exactly the files of the manifest, each as it was written."""
    listed = {each["name"]: [each["size"], each["sha256"]] for each in manifest["files"]}
    check(len({*archive.namelist()}) == len(archive.namelist()), "archive", "has two files of one name")
    for name in sorted({*archive.namelist(), *listed} - {"manifest.json"}):
        digest, size = hashlib.sha256(), 0
        try:
            with archive.open(name) as file:
                while block := file.read(1 << 20):
                    digest.update(block)
                    size += len(block)
            check([size, digest.hexdigest()] == listed.get(name), name, "is not a file that was written")
        except UNREADABLE as error:
            check(False, name, f"cannot be read ({error})")


class Tree:
    """The perfect subtrees over all leaves so far (RFC 6962, section 2.1): all that the root needs."""

    def __init__(self) -> None:
        self.size = 0
        self.parts: list[tuple[int, bytes]] = []

    def add(self, digest: bytes, height: int = 0) -> None:
        self.size += 1 << height
        while self.parts and self.parts[-1][0] == height:
            digest, height = sha256(b"\1", self.parts.pop()[1], digest), height + 1
        self.parts.append((height, digest))

    def fill(self, end: int, hashes: Iterator[str]) -> None:
        """Up to `end` with subtrees of the proof, each as large as its place allows."""
        while self.size < end:
            height = (end - self.size).bit_length() - 1
            while self.size & ((1 << height) - 1):
                height -= 1
            self.add(b64decode(next(hashes, "")), height)

    def root(self) -> bytes:
        found = b""
        for _, part in reversed(self.parts):
            found = sha256(b"\1", part, found) if found else part
        return found


def opened(note: str, keys: list[str]) -> tuple[int, bytes]:
    """Size and root of a checkpoint that one of the keys has signed (C2SP signed-note)."""
    text, _, signatures = note.partition("\n\n")
    origin, size, root = text.split("\n")[:3]
    for name, material in ((key.split("+")[0], b64decode(key.split("+", 2)[2])) for key in keys):
        for _, signer, encoded in (line.split(" ") for line in signatures.splitlines()):
            ours = b64decode(encoded)[:4] == sha256(name.encode(), b"\n", material)[:4]
            if ours and name == signer == origin and material[0] == 1:
                key = Ed25519PublicKey.from_public_bytes(material[1:])
                key.verify(b64decode(encoded)[4:], text.encode() + b"\n")
                return int(size), b64decode(root)
    raise ValueError("none of the keys has signed it")


def events_of(archive: zipfile.ZipFile) -> Iterator[tuple[bytes, Any]]:
    """Leaf hashes, and what leaves and payloads say. Personal texts in payloads are sealed."""
    with archive.open("events.ndjson") as lines:
        for told in map(json.loads, lines):
            leaf, payload, place = json.loads(told["leaf"]), told["payload"], f"position {told['position']}"
            digest = payload and sha256(b64decode(told["salt"]), payload.encode()).hex()
            check(digest in {None, leaf["data_sha256"]}, place, "the payload is not the one that the leaf names")
            check(told["position"] == leaf["position"], place, "the leaf is that of another position")
            data = {**json.loads(payload or "{}"), "stream": leaf["stream"]}
            yield sha256(b"\0", told["leaf"].encode()), {**leaf, "data": data}


def check_tree(archive: zipfile.ZipFile, manifest: Any, size: int, known: dict[int, bytes]) -> list[Any]:
    """The events stand in the signed tree where they say; of a range none is missing. Answers those of a push."""
    tree, hashes, kept, count, first = Tree(), iter(json.loads(archive.read("proof.json"))), [], 0, 0
    for digest, event in events_of(archive):
        tree.fill(event["position"] - 1, hashes)
        tree.add(digest)
        place, count, first = f"position {event['position']}", count + 1, first or event["position"]
        check(tree.size == event["position"], place, "does not come after those before it")
        if tree.size in known and tree.size < size:
            check(known.pop(tree.size) == tree.root(), place, "the checkpoint that you gave says otherwise")
        kept += [event] if manifest["kind"] == "push" else []
    last, told = tree.size, [manifest["events"], manifest["first_position"], manifest["last_position"]]
    whole = manifest["kind"] != "range" or count == last - first + 1
    check(whole and told == [count, first, last], "events.ndjson", f"{count} events from {first} to {last}, not {told}")
    tree.fill(size, hashes)
    check(tree.root() == known.pop(size) and not [*hashes], "events.ndjson", "other events than those that were signed")
    return kept


def check_push(archive: zipfile.ZipFile, order: str, events: list[Any]) -> None:
    """What was approved is what was pushed, by different people; the certificate is the one of the ledger."""

    def of(kind: str, **fields: str) -> list[Any]:
        return [event for event in events if kind in event["type"] and fields.items() <= event["data"].items()]

    [asked] = of("work_order.push.requested", stream=order)
    told, decided = asked["data"], [event for event in of("work_order.", stream=order) if "digest" in event["data"]]
    actors = [event["actor"] for event in decided if not event["data"].get("scheduled")]
    people = [actor.get("on_behalf_of", actor["id"]) for actor in actors]
    check(len({*people}) == len(people), order, "one person gave two of request, approval and implementation")
    [der] = {b64decode(event["data"]["der"]) for event in of("certificate.", stream=told["certificate_id"])}
    holds = b64decode(archive.read("certificate.pem").split(b"-----")[2]) == der
    check(holds, "certificate.pem", "is not the certificate that was pushed")
    [place] = [event["data"] for event in of("system.associated", stream=told["connector_id"])]
    for sent in of("certificate.deployment.requested", work_order_id=order):
        what = ["certferry push digest v1", sha256(der).hex(), told["connector_id"], place.get("profile")]
        what += [
            place.get("endpoints", []),
            place.get("server_name"),
            told["target_system_id"],
            sent["data"]["settings"],
        ]
        text = json.dumps(what, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        holds = sha256(text.encode()).hex() == sent["data"]["digest"]
        check(holds, f"position {sent['position']}", "what was sent is not what its digest says")
        decided.append(sent)
    for event in decided:
        holds = event["data"]["digest"] == told["digest"]
        check(holds, f"position {event['position']}", "is about something else than what was requested (digest)")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive")
    parser.add_argument("--vkey", action="append", help="the ledger's key, from where you trust it; else the archive's")
    parser.add_argument("--checkpoint", action="append", default=[], help="one that you kept; it must agree")
    given = parser.parse_args(arguments)
    wrong.clear()
    try:
        check_trailer(given.archive)
        with zipfile.ZipFile(given.archive) as archive:
            manifest = json.loads(archive.read("manifest.json"))
            check_files(archive, manifest)
            keys = given.vkey or archive.read("vkeys.txt").decode().split()
            size, root = opened(archive.read("checkpoint.txt").decode(), keys)
            known = dict(opened(Path(path).read_text(encoding="utf-8"), keys) for path in given.checkpoint)
            check(known.setdefault(size, root) == root, "checkpoint.txt", "contradicts the checkpoint that you gave")
            events = check_tree(archive, manifest, size, known)
            if manifest["kind"] == "push":
                check_push(archive, manifest["work_order_id"], events)
        for event in events:
            who = f"{event['actor']['kind']} {event['actor']['id']}"
            print(f"{event['position']:>10} {event['recorded_at']} {event['type']} by {who}")
        print(f"{manifest['events']} events in a ledger of {size}, signed by {', '.join(keys)}")
        print("".join(f"The checkpoint of {other} events cannot be compared with this.\n" for other in known), end="")
    except InvalidSignature:
        check(False, "checkpoint.txt", "the signature is not valid")
    except UNREADABLE as error:
        check(False, given.archive, f"cannot be checked to the end ({type(error).__name__}: {error})")
    print("\n".join(f"WRONG  {sentence}" for sentence in wrong) or "All of it holds.")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
