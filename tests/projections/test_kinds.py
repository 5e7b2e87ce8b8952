"""Kinds of certificates: those that are alike in all that a kind says have the same one, and no others."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import ids
from domain.certificate import Certificate, KeyOrigin, Source
from domain.certificate_facts import Usage
from projections.catalogue import Views, views
from projections.inventory import kinds, searching
from projections.inventory.view import CertificateFilter
from projections.reading.postgres import reading_pool
from tests.projections.conftest import Town
from tests.projections.ledger import Recorder, caught_up, running
from tests.support.histories import T0, a_certificate, imported
from tests.support.postgres import Pg

_SUCCESSORS = (ids.derive("successor", 1), ids.derive("successor", 2))
_ISSUERS = ("CN=R11", "CN=R10", "CN=x")


@st.composite
def _certificates(draw: st.DrawFn) -> Certificate:
    state = a_certificate()
    changed = msgspec.structs.replace(
        state.facts,
        subject=draw(st.sampled_from(["CN=x", "CN=y"])),
        issuer=draw(st.sampled_from(_ISSUERS)),
        authority_key_id=draw(st.sampled_from([None, "aa"])),
        usage=draw(st.sampled_from(Usage)),
        algorithm=draw(st.sampled_from(["ec-256", "rsa-2048"])),
    )
    return msgspec.structs.replace(
        state,
        facts=changed,
        source=draw(st.sampled_from(Source)),
        provider=draw(st.sampled_from([None, "acme", ""])),
        key_origin=draw(st.sampled_from(KeyOrigin)),
        renewed_to=draw(st.sampled_from([None, *_SUCCESSORS])),
        owner=draw(st.sampled_from([None, "web"])),
    )


def _said(state: Certificate) -> tuple[Any, ...]:
    said = state.facts
    own = said.subject == said.issuer
    of_issuer = None if own else (said.issuer, said.authority_key_id)
    renewed, held = state.renewed_to is not None, state.has_private_key
    return state.source, said.usage, state.provider, held, renewed, said.algorithm, own, of_issuer


@given(_certificates(), _certificates())
def test_a_kind_is_what_it_says(one: Certificate, other: Certificate) -> None:
    """Alike: the same kind; whoever signs himself has a negative one, whatever the issuer; it fits into the column."""
    assert (kinds.of_certificate(one) == kinds.of_certificate(other)) == (_said(one) == _said(other))
    assert (kinds.of_certificate(one) < 0) == (one.facts.subject == one.facts.issuer)
    assert -(2**63) <= kinds.of_certificate(one) < 2**63


@pytest.mark.parametrize("most", [1, 2, 3])
async def test_more_kinds_than_are_looked_through(
    town: Town, ask: Views, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Then the answer is the same: the first kinds of many say nothing about the others."""
    narrow = CertificateFilter(now=town.world.now, has_private_key=True)
    by_kind = await ask.inventory.list(narrow, limit=5)
    monkeypatch.setattr(searching, "KINDS", most)
    assert by_kind == await ask.inventory.list(narrow, limit=5)


async def test_whoever_signs_himself_is_found_by_the_name_of_his_own(pg: Pg, monkeypatch: pytest.MonkeyPatch) -> None:
    """Among others of the same kind, and beside those of an issuer of that name; however far lists are walked."""
    names = [("CN=own-1", "CN=own-1"), ("CN=own-2", "CN=own-2"), ("CN=leaf", "CN=Owners"), ("CN=leaf", "CN=Local PKI")]
    streams = {issuer: ids.derive("self", issuer) for _, issuer in names}
    async with pg.log() as log, running(pg):
        recorder = Recorder(log)
        for number, (subject, issuer) in enumerate(names):
            given = imported(subject=subject, issuer=issuer, serial_number=f"{number:02x}")
            await recorder.record([((streams[issuer], given),)])
        await caught_up(pg, recorder.position)
    async with reading_pool(pg.app_dsn) as pool:
        for reach in (1, 2, 100):
            monkeypatch.setattr(searching, "REACH", reach)
            for part, expected in {"own": names[:3], "own-2": names[1:2], "pki": names[3:], "nobody": []}.items():
                found = await views(pool).inventory.list(CertificateFilter(now=T0, issuer=(part,)), sort="created")
                assert [streams[issuer] for _, issuer in expected] == [row.id for row in found.items], (part, reach)
