"""Where a secret could come out of the service or be kept by it, and how it is found there, however it is spelled."""

import base64
import re
from collections.abc import Iterator, Mapping
from uuid import UUID

import psycopg
from cryptography.hazmat.primitives.asymmetric import ec

from adapters.syslog.events import event_message
from tests.api.desk import Desk
from tests.api.test_secrets import tables
from tests.api.test_security import handlers, signed_in
from tests.api.walking import API
from tests.support.postgres import Pg

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


def shows_code(haystack: bytes, code: str) -> bool:
    """Whether six digits stand there by themselves, as text or as text in hexadecimal.

    Fractions of seconds are six digits, too: there are thousands of them, so what follows a dot does not count.
    """
    digits, spelled = code.encode(), code.encode().hex().encode()
    alone = rb"(?<![0-9A-Za-z.])" + digits + rb"(?![0-9A-Za-z])"
    in_hexadecimal = rb"(?<!2e)(?<!2E)(?<!3[0-9])" + spelled + rb"(?!3[0-9])"
    return re.search(alone + rb"|" + in_hexadecimal, haystack) is not None


def private_part(key: object) -> bytes:
    """What nobody may have of a key on a curve: it stands in PKCS#8 and in every other form of it."""
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key.private_numbers().private_value.to_bytes((key.key_size + 7) // 8, "big")


class _Known(dict[str, str]):
    """What stands in a path."""

    def __missing__(self, name: str) -> str:
        return str(UUID(int=0))


def _paths(desk: Desk, known: Mapping[str, str], *, of_api: bool) -> Iterator[str]:
    """Every GET: of the API, or all the others."""
    for method, path, _ in handlers(desk):
        if method == "GET" and path.startswith(API) is of_api:
            yield path.format_map(_Known(known))


async def answers(desk: Desk, known: Mapping[str, str]) -> bytes:
    """Every GET that can be asked, in every form of lists. `known`: what stands in paths."""
    said = b""
    for path in _paths(desk, known, of_api=True):
        who = "operator" if path.endswith("/download") else "auditor"
        for accept in ("application/json", "application/x-ndjson", "text/csv"):
            said += (await desk.as_(who).get(path, headers={"Accept": accept})).content
    return said


async def pages(desk: Desk, known: Mapping[str, str]) -> bytes:
    """Every page that a browser can ask for; what programs get outside the API, too."""
    browser, _ = await signed_in(desk, "auditor")
    said = b""
    for path in _paths(desk, known, of_api=False):
        said += (await browser.get(path, headers={"Accept": "text/html"})).content
    return said


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
