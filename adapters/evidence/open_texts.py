"""Checks that the personal texts shown in an archive of evidence are those that the events hold, sealed.

Needs Python 3.9 and the package `cryptography`. `texts.json` discloses single texts: each with the sealed text in the
events, and the key of this one text. Run verify.py first: it proves the events. Exit status 0: all texts are genuine.
"""

from __future__ import annotations

import hashlib
import json
import sys
import zipfile
from base64 import b64decode, urlsafe_b64decode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def opened(sealed: str, key: bytes) -> str:
    """The text of `cf-sealed:1:<kind>:<subject>:<salt (16), commitment (32), ciphertext>`. Raises ValueError."""
    _, _, kind, subject, encoded = sealed.split(":")
    content = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    if hashlib.sha256(b"certferry text key 1|" + key).digest() != content[16:48]:
        raise ValueError("another key")
    bound = b"certferry personal text 1|" + kind.encode() + b"|" + bytes.fromhex(subject)
    return AESGCM(key).decrypt(bytes(12), content[48:], bound).decode()


def main(arguments: list[str]) -> int:
    """Status 0 or 1."""
    with zipfile.ZipFile(arguments[0]) as archive:
        events, told = archive.read("events.ndjson").decode(), json.loads(archive.read("texts.json"))
    for each in told:
        try:
            genuine = each["sealed"] in events and opened(each["sealed"], b64decode(each["key"])) == each["text"]
        except (ValueError, InvalidTag):
            genuine = False
        if not genuine:
            print(f"WRONG  no event holds this text: {each['text']}")
            return 1
    print(f"{len(told)} texts are those that the events hold, sealed.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
