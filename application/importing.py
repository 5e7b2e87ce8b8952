"""Bringing certificates into the inventory: import by a person, discovery by a bridge or a probe."""

from uuid import UUID

import msgspec

from application.house import (
    Attempt,
    Context,
    Done,
    House,
    Loaded,
    carry_out,
    check_version,
    load,
    reading_back,
    record_refusal,
    unwritten,
    write,
)
from application.ports import CertificateReader, Change, ReadBundle, ReadCertificate
from application.reaching import of_certificate
from domain import certificate as certificates
from domain import ids
from domain.certificate import CERTIFICATE, Certificate, CertificateDiscovered
from domain.claim import CLAIM, Claim, Claimed
from domain.errors import Code, Refused


class ImportCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """What a person uploads; the key never leaves this value but into the vault, the password not at all.

    `pkcs12`: a bundle instead of the three PEM texts.
    """

    certificate_pem: str = ""
    private_key_pem: str | None = None
    chain_pem: str | None = None
    pkcs12: bytes | None = None
    password: str = ""
    owner: str | None = None
    tags: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "ImportCertificate(...)"


async def import_certificate(
    house: House, context: Context, reader: CertificateReader, command: ImportCertificate
) -> Done[Loaded[Certificate]]:
    """Import a certificate, with or without its key. (issuer, serial) and fingerprint are unique."""
    bundle = await _read(house, context, reader, command)
    certificate_id = ids.certificate_id(bundle.leaf.facts.fingerprint_sha256)

    async def attempt() -> Attempt[Loaded[Certificate]]:
        known = await load(house, CERTIFICATE, certificate_id)
        events = certificates.import_certificate(
            known.state,
            context.meta,
            facts=bundle.leaf.facts,
            der=bundle.leaf.der,
            chain=tuple(issuer.der for issuer in bundle.chain),
            with_key=bundle.private_key is not None,
            owner=command.owner,
            tags=tuple(dict.fromkeys(command.tags)),
        )
        claim = await claim_serial(house, context, bundle.leaf, certificate_id)
        await _keep_key(house, certificate_id, bundle)
        return Attempt((write(known, events), claim), known.after(events))

    again = reading_back(house, CERTIFICATE, certificate_id)
    return await carry_out(house, context, attempt, subject_id=certificate_id, action="certificate.import", again=again)


async def _read(house: House, context: Context, reader: CertificateReader, command: ImportCertificate) -> ReadBundle:
    """What cannot be read, or does not belong together, is refused to whoever sent it: it names no certificate yet."""
    try:
        if command.pkcs12 is not None:
            return reader.pkcs12(command.pkcs12, command.password)
        return reader.bundle(command.certificate_pem, command.private_key_pem, command.chain_pem)
    except Refused as refused:
        caller = ids.derive("caller", context.actor.id)
        await record_refusal(house, context, refused, subject_id=caller, action="certificate.import")
        raise


async def _keep_key(house: House, certificate_id: UUID, bundle: ReadBundle) -> None:
    """The sealed key is stored before the event says so: a crash in between leaves a key nobody refers to."""
    if bundle.private_key is not None:
        await house.vault.put_private_key(certificate_id, bundle.private_key)


async def claim_serial(house: House, context: Context, leaf: ReadCertificate, certificate_id: UUID) -> Change:
    """(issuer, serial number) stands for one certificate only (RFC 5280, 4.1.2.2); the same one may claim again."""
    claim = await load(house, CLAIM, _serial_claim(leaf))
    if claim.state is None:
        return _first_claim(context, claim, certificate_id)
    if claim.state.holder_id != certificate_id:
        raise Refused(
            Code.ALREADY_EXISTS,
            f"Another certificate of issuer {leaf.facts.issuer} with serial number {leaf.facts.serial_number} is in "
            "the inventory; an issuer never gives the same number twice.",
            pointer="/certificate_pem",
        )
    return write(claim, ())


def claim_new_serial(context: Context, leaf: ReadCertificate, certificate_id: UUID) -> Change:
    """The same of a serial number that was drawn just now: nothing is read, and the log refuses one that is taken."""
    return _first_claim(context, unwritten(CLAIM, _serial_claim(leaf)), certificate_id)


def _serial_claim(leaf: ReadCertificate) -> UUID:
    return ids.serial_claim_id(leaf.facts.issuer, leaf.facts.serial_number)


def _first_claim(context: Context, claim: Loaded[Claim], certificate_id: UUID) -> Change:
    return write(claim, (Claimed(meta=context.meta, kind="issuer-serial", holder_id=certificate_id),))


async def discover_certificate(
    house: House,
    context: Context,
    found: ReadCertificate,
    *,
    target_system_id: UUID | None,
    discovery_id: UUID | None,
) -> Done[UUID]:
    """A certificate that is not in the inventory enters it with source `discovered`; a known one is left alone."""
    certificate_id = ids.certificate_id(found.facts.fingerprint_sha256)

    async def attempt() -> Attempt[UUID]:
        known = await load(house, CERTIFICATE, certificate_id)
        if known.state is not None:
            return Attempt((), certificate_id)
        event = CertificateDiscovered(
            meta=context.meta,
            facts=found.facts,
            der=found.der,
            target_system_id=target_system_id,
            discovery_id=discovery_id,
        )
        claim = await claim_serial(house, context, found, certificate_id)
        return Attempt((write(known, (event,)), claim), certificate_id)

    return await carry_out(house, context, attempt, subject_id=certificate_id, action="certificate.discover")


async def describe_certificate(
    house: House, context: Context, certificate_id: UUID, *, owner: str | None, tags: tuple[str, ...] | None
) -> Done[Loaded[Certificate]]:
    """Owner and tags."""
    unique = None if tags is None else tuple(dict.fromkeys(tags))

    async def attempt() -> Attempt[Loaded[Certificate]]:
        known = await load(house, CERTIFICATE, certificate_id)
        events = certificates.describe(known.found, context.meta, owner=owner, tags=unique)
        changed = known.after(events)
        # Before and after: nobody tags anything into the scope of their role, nor out of it.
        within = context.concerning(of_certificate(known.found), of_certificate(changed.found))
        check_version(context, known)
        return Attempt((write(known, events),), changed, within)

    again = reading_back(house, CERTIFICATE, certificate_id)
    return await carry_out(
        house, context, attempt, subject_id=certificate_id, action="certificate.describe", again=again
    )
