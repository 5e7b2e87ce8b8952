"""Reads are events in streams of their own: nobody's version moves, and whoever looks again fills no ledger."""

import asyncio

from application.house import load
from application.viewing import record_audit_read, record_denied, record_download, record_view
from domain.access import AccessDenied, AuditLogRead, CertificateDownloaded, CertificateViewed
from domain.certificate import CERTIFICATE
from tests.support.world import World


async def test_looking_moves_nothing() -> None:
    """However a certificate is looked at, its version stays: no approver's If-Match gets old by it."""
    world = World(1)
    made = await world.certificate()
    before = (await load(world.house, CERTIFICATE, made)).version
    await record_view(world.house, world.by("a"), made)
    await record_download(world.house, world.by("a"), made, "pem")
    await record_denied(
        world.house, world.by("a"), subject_id=made, method="GET", route="/x", code="forbidden", detail="no"
    )
    assert before == (await load(world.house, CERTIFICATE, made)).version
    assert 3 == len(world.events(CertificateViewed, CertificateDownloaded, AccessDenied))


async def test_once_a_minute() -> None:
    """Twenty views at once, by the same person, are one event, and so are twenty reads of the audit log by one filter;
    another person, another minute, another filter is another one. Downloads and denials are each told.
    """
    world = World(2)
    made = await world.certificate()
    for _ in range(2):
        for person in ("a", "b"):
            await asyncio.gather(*(record_view(world.house, world.by(person), made) for _ in range(20)))
            for query in ("type=certificate.*", ""):
                await asyncio.gather(*(record_audit_read(world.house, world.by(person), query) for _ in range(20)))
        world.pass_time(60)
    assert (4, 8) == (len(world.events(CertificateViewed)), len(world.events(AuditLogRead)))
    positions = [await record_download(world.house, world.by("a"), made, "pem") for _ in range(3)]
    assert sorted(set(positions)) == positions
