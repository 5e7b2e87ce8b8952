"""A process with a Local PKI whose issuing key is on a PKCS#11 token. What it is to do comes by `python -m`:

    python -m tests.adapters.keys.on_a_token MODULE TOKEN PIN FOLDER DEED...

The vault of memory lies in FOLDER between two processes, as the database would. What it says is printed, a line each.
"""

import asyncio
import pickle
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pkcs11
import typed_settings as ts
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from pkcs11.exceptions import PKCS11Error

from adapters.issuers.local_pki import open_local_pki
from adapters.keys.authorities import KeysElsewhere, certificate_der
from adapters.keys.key_source import key_place
from adapters.keys.pkcs11_token import opened
from adapters.settings import LocalPki
from adapters.simulated.vault import MemoryVault
from adapters.x509.parsing import parse_certificate
from tests.adapters.issuers.status import URL, Bench, openssl, pem

MODULE, TOKEN, PIN, FOLDER, *WANTED = sys.argv[1:]
PLACE = Path(FOLDER)
NOW = datetime.now(UTC)


def say(*words: object) -> None:
    sys.stdout.write(f"{' '.join(map(str, words))}\n")


def settings(**different: Any) -> LocalPki:
    usual: dict[str, Any] = {"pkcs11_module": Path(MODULE), "pkcs11_token": TOKEN, "pkcs11_pin": ts.SecretStr(PIN)}
    return LocalPki(**(usual | different))


def stored() -> MemoryVault:
    """What the database holds."""
    vault = MemoryVault()
    if (PLACE / "vault").exists():
        vault.__dict__.update(pickle.loads((PLACE / "vault").read_bytes()))
    return vault


async def started(vault: MemoryVault, chosen: LocalPki) -> Bench:
    pki = await open_local_pki(vault, lambda: NOW, URL, key_place(chosen))
    (PLACE / "vault").write_bytes(pickle.dumps(vault.__dict__))
    return Bench(pki, vault, NOW)


def objects() -> int:
    """How many keys are on the token."""
    return opened(MODULE, TOKEN, PIN).call(lambda session: len(list(session.get_objects())))


async def start() -> None:
    """The first start makes the key there; another one finds it."""
    pki = await started(stored(), settings())
    say(pki.ca, objects())


async def sign() -> None:
    """Two certificates, of which one is revoked, the list, and an answer of OCSP to the question in the folder."""
    pki = await started(stored(), settings())
    for name in ("good", "bad"):
        pem(PLACE / f"{name}.pem", (await pki.issue(f"{name}.example.org")).der)
    bad = x509.load_pem_x509_certificate((PLACE / "bad.pem").read_bytes())
    [found] = [row for row in pki.rows.values() if int(row.state.facts.serial_number, 16) == bad.serial_number]
    pki.revoke(parse_certificate(found.state.der), "keyCompromise")
    listed = await pki.crls.current(pki.ca)
    assert listed is not None
    pem(PLACE / "list.pem", listed.der, "X509 CRL")
    pem(PLACE / "issuing.pem", certificate_der(pki.pki.issuing.certificate))
    (PLACE / "root.pem").write_text(pki.pki.root_pem)
    openssl("ocsp", "-issuer", PLACE / "issuing.pem", "-cert", PLACE / "bad.pem", "-reqout", PLACE / "question")
    (PLACE / "answer").write_bytes((await pki.ocsp.answer((PLACE / "question").read_bytes())).der)


async def read_out() -> None:
    """Nothing secret can be read, neither here nor on the token."""
    key: Any = (await started(stored(), settings())).pki.issuing.key
    formats = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    for attempt in (lambda: key.private_bytes(*formats), key.private_numbers):
        try:
            say(attempt())
        except TypeError as error:
            say(error)

    def look(session: Any) -> None:
        [private] = session.get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY})
        say(private[pkcs11.Attribute.EXTRACTABLE], private[pkcs11.Attribute.SENSITIVE])
        say(private[pkcs11.Attribute.NEVER_EXTRACTABLE], private[pkcs11.Attribute.LOCAL])
        try:
            say(private[pkcs11.Attribute.VALUE])
        except PKCS11Error:
            say("it does not leave")

    opened(MODULE, TOKEN, PIN).call(look)


async def lose_the_session() -> None:
    """As after a restart of the module."""
    pki = await started(stored(), settings())
    opened(MODULE, TOKEN, PIN).session.close()
    say((await pki.issue()).facts.issuer_common_name)


async def start_at_once() -> None:
    """Another process was faster between the look and the writing down: its CA is taken, our key goes."""

    class Late(MemoryVault):
        async def keep_first(self, owner_id: Any, name: str, value: bytes) -> bytes:
            if not theirs:
                theirs.append(await started(vault, settings()))
            return await super().keep_first(owner_id, name, value)

    theirs: list[Bench] = []
    vault = MemoryVault()
    late = Late()
    late.__dict__ = vault.__dict__
    mine = await open_local_pki(late, lambda: NOW, URL, key_place(settings()))
    say(mine.issuing.certificate == theirs[0].pki.issuing.certificate, objects())


async def without() -> None:
    """The settings say nothing of a token."""
    await started(stored(), settings(pkcs11_module=None))


async def wrong_pin() -> None:
    await started(stored(), settings(pkcs11_pin=ts.SecretStr("wrong-pin")))


async def no_token() -> None:
    await started(stored(), settings(pkcs11_token="other"))


async def no_module() -> None:
    await started(stored(), settings(pkcs11_module=Path("/nowhere/module.so")))


async def gone() -> None:
    """The key is taken from the token while the service runs."""
    pki = await started(stored(), settings())
    opened(MODULE, TOKEN, PIN).write(lambda session: [each.destroy() for each in list(session.get_objects())])
    await pki.issue()


DEEDS: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
    deed.__name__: deed
    for deed in (start, sign, read_out, lose_the_session, start_at_once, without, wrong_pin, no_token, no_module, gone)
}

if __name__ == "__main__":
    for wanted in WANTED:
        try:
            asyncio.run(DEEDS[wanted]())
        except KeysElsewhere as error:
            say(f"problem: {error}")
