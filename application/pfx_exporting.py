"""Certificates with their private keys as PFX files: prepared with a password that is shown once, downloaded once.

Of the password a keyed hash is kept, sealed in the vault and apart from the ledger; the file is made at the download
and never stored. The event commits before the bytes leave: whoever crashes in between has an export that is used up.
"""

import asyncio
import hmac
import secrets
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol
from uuid import UUID, uuid4

from application.house import Attempt, Context, Done, House, Loaded, carry_out, check_version, load, shown_once, write
from application.ports import Change
from application.reaching import of_certificate
from domain import ids
from domain import pfx_export as exports
from domain.access import PfxDownloaded
from domain.certificate import CERTIFICATE, Certificate
from domain.claim import CLAIM, Claimed
from domain.errors import Code, Refused
from domain.pfx_export import PFX_EXPORT, PfxExport, check_exportable

LIFETIME = timedelta(minutes=10)
_HASH = "password"
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
"""Nothing that is taken for something else when it is read aloud or typed: 5 bits each."""
_GROUPS, _LETTERS = 4, 6


class PfxMaker(Protocol):
    """Makes the file."""

    def __call__(self, *, name: str, private_key: bytes, leaf: bytes, chain: tuple[bytes, ...], password: str) -> bytes:
        """PKCS#12 DER of a PKCS#8 key, its certificate and its issuers (DER); `name` is the friendly name."""
        ...


class PreparedExport(NamedTuple):
    """The password is shown once."""

    export: Loaded[PfxExport]
    password: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"PreparedExport({self.export.id})"


class Pfx(NamedTuple):
    """A file, and whose it is."""

    content: bytes
    common_name: str

    def __repr__(self) -> str:
        return f"Pfx({self.common_name!r}, {len(self.content)} bytes)"


async def prepare_export(house: House, context: Context, certificate_id: UUID) -> Done[PreparedExport]:
    """A new export and its one-time password."""
    # Not derived from the command: should its outcome stay unknown, a repeat has a password, and a hash, of its own.
    export_id, password = uuid4(), _password()
    expires_at = context.at + LIFETIME

    async def attempt() -> Attempt[PreparedExport]:
        certificate = await load(house, CERTIFICATE, certificate_id)
        within = context.concerning(of_certificate(certificate.found))
        check_version(context, certificate)
        export: Loaded[PfxExport] = Loaded(kind=PFX_EXPORT, id=export_id, version=0, state=None)
        events = exports.create(certificate.found, context.meta, certificate_id=certificate_id, expires_at=expires_at)
        await _kept_key(house, certificate)
        await house.vault.keep_first(export_id, _HASH, _hashed(password, secrets.token_bytes(32)))
        prepared = PreparedExport(export.after(events), password, expires_at)
        return Attempt((write(export, events), write(certificate, ())), prepared, within)

    return await carry_out(
        house, context, attempt, subject_id=certificate_id, action="certificate.export_pfx", again=shown_once
    )


async def download_export(
    house: House, context: Context, make: PfxMaker, certificate_id: UUID, export_id: UUID, password: str
) -> Done[Pfx]:
    """The file, exactly once: of many at the same time one gets it."""

    async def attempt() -> Attempt[Pfx]:
        export, certificate = await load(house, PFX_EXPORT, export_id), await load(house, CERTIFICATE, certificate_id)
        within = context.concerning(of_certificate(certificate.found))
        check_version(context, export)
        claim = await load(house, CLAIM, ids.pfx_claim_id(export_id))
        state, matches = export.found, await _matches(house, export_id, password)
        try:
            exports.check_download(
                state,
                context.meta,
                used=claim.state is not None,
                password_matches=matches,
                certificate_id=certificate_id,
            )
        except Refused as refused:
            refused.records_version = export.version
            raise
        pfx = await _file(house, make, certificate, password)
        taken = Claimed(meta=context.meta, kind="pfx-export", holder_id=export_id)
        told = PfxDownloaded(meta=context.meta, certificate_id=certificate_id, export_id=export_id)
        log = Change(stream_id=ids.access_log_id(certificate_id), expected_version=None, events=(told,))
        return Attempt((write(claim, (taken,)), log, write(export, ()), write(certificate, ())), pfx, within)

    done = await carry_out(
        house, context, attempt, subject_id=export_id, action="certificate.download_pfx", again=shown_once
    )
    with suppress(Exception):  # the file may leave, whether the hash that nothing asks for any more goes now or stays
        await house.vault.forget(export_id)
    return done


async def _file(house: House, make: PfxMaker, certificate: Loaded[Certificate], password: str) -> Pfx:
    found = certificate.found
    check_exportable(found)
    private_key = await _kept_key(house, certificate)
    name = found.facts.common_name
    content = await asyncio.to_thread(
        make, name=name, private_key=private_key, leaf=found.der, chain=found.chain, password=password
    )
    return Pfx(content, name)


async def _kept_key(house: House, certificate: Loaded[Certificate]) -> bytes:
    key = await house.vault.private_key(certificate.id)
    if key is None:
        name = certificate.found.facts.common_name
        raise Refused(Code.PRIVATE_KEY_NOT_AVAILABLE, f"The private key of {name} is no longer stored here.")
    return key


def _password() -> str:
    """120 random bits."""
    letters = [secrets.choice(_ALPHABET) for _ in range(_GROUPS * _LETTERS)]
    return "-".join("".join(letters[n : n + _LETTERS]) for n in range(0, len(letters), _LETTERS))


def _hashed(password: str, key: bytes) -> bytes:
    """The key, then HMAC-SHA-256: with 120 random bits no stretching is needed, and the vault seals both."""
    return key + hmac.digest(key, password.encode(), "sha256")


async def _matches(house: House, export_id: UUID, password: str) -> bool:
    kept = await house.vault.kept(export_id, _HASH)
    return kept is not None and hmac.compare_digest(kept, _hashed(password, kept[:32]))
