"""Revoking as a use case: the code is shown once, kept as a keyed hash alone, and revokes once, whoever races."""

import asyncio
from uuid import UUID

import pytest

from adapters.x509.requests import read_request
from application.automations.kit import is_outcome
from application.ca_informing import retry_ca, told_ca
from application.house import load
from application.implementing import Dialog, approve_push, implement_push
from application.issuer_ports import RequestedCertificate
from application.issuing_ports import Issuer, NotYet, RevokedCertificate, TellByHand
from application.ordering import submit_order
from application.ports import LogUnavailable
from application.revoking import Challenge, ConfirmRevocation, request_revocation, revoke_certificate
from domain.alert import ALERT, Alert, AlertKind, AlertRaised
from domain.ca_notice import (
    NoticeState,
    RevocationCaByHand,
    RevocationCaFailed,
    RevocationCaInformed,
    RevocationCaRetried,
)
from domain.certificate import CERTIFICATE, Certificate, CertificateIssued, CertificateRevoked
from domain.certificate_facts import CertificateFacts
from domain.certificate_order import Provider
from domain.connector_events import DeploymentFailed, DeploymentRequested
from domain.entity import ActorKind
from domain.errors import Code, Refused
from domain.push_states import SupersededReason, WorkOrderStatus
from domain.revocation import RevocationReason, RevocationRefused, RevocationRequested
from tests.application.test_ordering import WISH
from tests.support.field import Field
from tests.support.office import Office, local_pki
from tests.support.world import World


async def asked(world: World, certificate_id: UUID, by: str = "olga") -> Challenge:
    return (await request_revocation(world.house, world.by(by), certificate_id)).result


async def confirm(world: World, certificate_id: UUID, shown: Challenge, code: str = "", by: str = "olga") -> None:
    wish = ConfirmRevocation(
        certificate_id=certificate_id,
        revocation_request_id=shown.id,
        confirmation_code=code or shown.confirmation_code,
        reason=RevocationReason.KEY_COMPROMISE,
        comment="the laptop is gone",
    )
    await revoke_certificate(world.house, world.by(by), wish)


async def state(world: World, certificate_id: UUID) -> Certificate:
    return (await load(world.house, CERTIFICATE, certificate_id)).found


def wrong(shown: Challenge) -> str:
    return f"{(int(shown.confirmation_code) + 1) % 1_000_000:06d}"


async def test_a_code_revokes_and_is_kept_nowhere() -> None:
    """Six digits, in no event; what was kept to check them is gone afterwards."""
    world = World()
    certificate_id = await world.certificate()
    shown = await asked(world, certificate_id)
    assert len(shown.confirmation_code) == 6
    assert shown.confirmation_code.isascii()
    assert shown.confirmation_code.isdigit()
    assert shown.confirmation_code not in repr(shown)
    [kept] = world.vault._secrets[shown.id].values()
    assert shown.confirmation_code.encode() not in kept
    await confirm(world, certificate_id, shown)
    found = await state(world, certificate_id)
    assert (world.clock(), "keyCompromise") == (found.revoked_at, found.revocation_reason)
    assert shown.id not in world.vault._secrets
    assert not [row for row in world.ledger.stored if shown.confirmation_code.encode() in row.entry.payload]


async def test_codes_differ() -> None:
    """Also with leading zeros they have six digits."""
    world = World()
    certificate_id = await world.certificate()
    codes = {(await asked(world, certificate_id)).confirmation_code for _ in range(50)}
    assert len(codes) > 40
    assert {6} == {len(code) for code in codes}


@pytest.mark.parametrize("seed", range(8))
async def test_the_same_code_at_once_revokes_once(seed: int) -> None:
    """Of many who confirm at the same time one revokes, the others are told that it is done."""
    world = World(seed)
    certificate_id = await world.certificate()
    shown = await asked(world, certificate_id)
    answers = await asyncio.gather(*(confirm(world, certificate_id, shown) for _ in range(5)), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Refused)]
    assert [Code.ALREADY_REVOKED] * 4 == [answer.code for answer in refused]
    assert (1, 4) == (len(world.events(CertificateRevoked)), len(world.events(RevocationRefused)))


@pytest.mark.parametrize("seed", range(8))
async def test_tries_are_counted_also_at_once(seed: int) -> None:
    """Of seven wrong codes at the same time three are tries, four come too late; then the right one is too late."""
    world = World(seed)
    certificate_id = await world.certificate()
    shown = await asked(world, certificate_id)
    answers = await asyncio.gather(
        *(confirm(world, certificate_id, shown, wrong(shown)) for _ in range(7)), return_exceptions=True
    )
    codes = sorted(answer.code for answer in answers if isinstance(answer, Refused))
    assert [Code.CONFIRMATION_CODE_EXPIRED] * 4 + [Code.CONFIRMATION_CODE_MISMATCH] * 3 == codes
    told = [event.tries_left for event in world.events(RevocationRefused) if isinstance(event, RevocationRefused)]
    assert [2, 1, 0, 0, 0, 0, 0] == told
    with pytest.raises(Refused) as caught:
        await confirm(world, certificate_id, shown)
    assert Code.CONFIRMATION_CODE_EXPIRED is caught.value.code
    assert (await state(world, certificate_id)).revoked_at is None


async def test_failing_makes_no_version_stale() -> None:
    """Neither opening the dialog nor a wrong code changes the certificate's version."""
    world = World()
    certificate_id = await world.certificate()
    before = (await load(world.house, CERTIFICATE, certificate_id)).version
    shown = await asked(world, certificate_id)
    with pytest.raises(Refused):
        await confirm(world, certificate_id, shown, wrong(shown))
    assert before == (await load(world.house, CERTIFICATE, certificate_id)).version


async def test_a_code_is_of_one_dialog_of_one_person() -> None:
    """The code of another dialog, of another person, of another certificate: none fits; unknown ones are a mistake."""
    world = World()
    one, other = await world.certificate(), await world.certificate()
    mine, yours, elsewhere = await asked(world, one), await asked(world, one, "oskar"), await asked(world, other)
    if mine.confirmation_code != yours.confirmation_code:
        with pytest.raises(Refused, match="does not match"):
            await confirm(world, one, mine, yours.confirmation_code)
    with pytest.raises(Refused, match="somebody else"):
        await confirm(world, one, yours)
    with pytest.raises(Refused, match="another certificate"):
        await confirm(world, one, elsewhere)
    with pytest.raises(Refused) as caught:
        await confirm(world, one, Challenge(UUID(int=9), "123456", world.clock()))
    assert (Code.VALIDATION_FAILED, "/revocation_request_id") == (caught.value.code, caught.value.pointer)
    assert not world.events(CertificateRevoked)


async def test_a_code_that_is_too_old_is_forgotten() -> None:
    """After five minutes nothing of it is kept, and it is refused."""
    world = World()
    office, certificate_id = Office(world, Field()), await world.certificate()
    shown = await asked(world, certificate_id)
    await office.settle()
    await office.later(299, timers=False)
    assert shown.id in world.vault._secrets
    await office.later(1, timers=False)
    assert shown.id not in world.vault._secrets
    with pytest.raises(Refused) as caught:
        await confirm(world, certificate_id, shown)
    assert Code.CONFIRMATION_CODE_EXPIRED is caught.value.code


async def test_the_code_is_shown_once() -> None:
    """The same command again makes no second dialog and shows nothing."""
    world = World()
    certificate_id = await world.certificate()
    await request_revocation(world.house, world.by("olga", key="one"), certificate_id)
    with pytest.raises(Refused, match="was shown then"):
        await request_revocation(world.house, world.by("olga", key="one"), certificate_id)
    assert 1 == len(world.events(RevocationRequested))


async def test_open_pushes_of_a_revoked_certificate_end() -> None:
    """The open work order is superseded, a new push is refused; one under way is not handed to its bridge."""
    world = World()
    office = Office(world, Field())
    bridge = await world.bridge()
    waiting = await world.connector(target_id=await world.target(bridge, "web-1"))
    running = await world.connector(target_id=await world.target(bridge, "web-2"))
    pending, order = await world.push(waiting), await world.push(running)
    await approve_push(world.house, world.by("anton"), order.id, Dialog())
    await implement_push(world.house, world.by("ivan"), order.id, Dialog())
    for connector in (waiting, running):
        certificate_id = (await world.connector_state(connector)).certificate_id
        await confirm(world, certificate_id, await asked(world, certificate_id))
        with pytest.raises(Refused) as caught:
            await world.push(connector)
        assert caught.value.code in {Code.CERTIFICATE_NOT_ACTIVE, Code.WORK_ORDER_OPEN}
    await office.settle()
    ended = await world.order_state(pending.id)
    assert (WorkOrderStatus.SUPERSEDED, SupersededReason.CERTIFICATE_REVOKED) == (ended.status, ended.ended_reason)
    assert not (await world.order_state(order.id)).open
    assert not world.events(DeploymentRequested) or world.events(DeploymentFailed)
    with pytest.raises(Refused) as caught:
        await world.push(waiting)
    assert Code.CERTIFICATE_NOT_ACTIVE is caught.value.code


class Talk:
    """A provider whose CA answers revocations as it is told to, one answer after the other."""

    def __init__(self, issuer: Issuer, *answers: str | Exception) -> None:
        self._issuer = issuer
        self._answers = list(answers)
        self.told: list[RevokedCertificate] = []
        self.check, self.issue, self.forget = issuer.check, issuer.issue, issuer.forget
        self.answers_at_once = issuer.answers_at_once

    async def of(self, provider: Provider, provider_id: UUID | None = None) -> Issuer:
        return self

    def requested(self, csr_pem: str) -> RequestedCertificate:
        return read_request(csr_pem)

    async def suggested(self, facts: CertificateFacts) -> None:
        return None

    async def revoke(self, revoked: RevokedCertificate) -> str:
        self.told.append(revoked)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def revoked_with(world: World, *answers: str | Exception, twice: float = 0.0) -> tuple[Talk, Certificate]:
    """A certificate of a provider that answers so is revoked, and everything has happened."""
    issuers = await local_pki(world)
    talk = Talk(await issuers.of(Provider.LOCAL_PKI), *answers)
    certificate_id = await ordered_and_revoked(world, Office(world, Field(), issuers=talk, twice=twice), talk)
    return talk, await state(world, certificate_id)


async def ordered_and_revoked(world: World, office: Office, talk: Talk) -> UUID:
    await submit_order(world.house, world.by("rita"), talk, WISH)
    await office.settle()
    [certificate_id] = [stream for stream, event in world.history() if isinstance(event, CertificateIssued)]
    await confirm(world, certificate_id, await asked(world, certificate_id))
    await office.settle()
    return certificate_id


async def test_local_pki_lists_it() -> None:
    """The number of the list is told; the reaction running twice tells it once."""
    world = World()
    issuers = await local_pki(world)
    office = Office(world, Field(), issuers=issuers, twice=1.0)
    await submit_order(world.house, world.by("rita"), issuers, WISH)
    await office.settle()
    [certificate_id] = [stream for stream, event in world.history() if isinstance(event, CertificateIssued)]
    await confirm(world, certificate_id, await asked(world, certificate_id))
    await office.settle()
    [told] = world.events(RevocationCaInformed)
    assert isinstance(told, RevocationCaInformed)
    assert "list number 7" in told.message
    assert ActorKind.AUTOMATION is told.meta.actor.kind
    assert "olga" == told.meta.actor.on_behalf_of


async def test_the_ca_is_told_again_until_it_answers() -> None:
    """Trouble is recorded once, the outcome at the end; the certificate is revoked all the while."""
    world = World()
    trouble = LogUnavailable("away")
    talk, found = await revoked_with(world, trouble, trouble, "The CA revoked it.")
    assert 3 == len(talk.told)
    assert "keyCompromise" == talk.told[0].reason
    assert found.revoked_at is not None
    assert found.ca_notice is not None
    assert (NoticeState.INFORMED, "The CA revoked it.") == (found.ca_notice.state, found.ca_notice.message)
    [failed] = world.events(RevocationCaFailed)
    assert isinstance(failed, RevocationCaFailed)
    assert failed.retrying
    assert "LogUnavailable" in failed.message


async def test_the_cas_no_is_final() -> None:
    """It is recorded in the CA's words, and not told again."""
    world = World()
    no = Refused(Code.VALIDATION_FAILED, "The CA refused: not yours (unauthorized)")
    assert is_outcome(no)
    talk, found = await revoked_with(world, no)
    assert 1 == len(talk.told)
    assert found.ca_notice is not None
    assert (NoticeState.FAILED, False, no.detail) == (
        found.ca_notice.state,
        found.ca_notice.retrying,
        found.ca_notice.message,
    )


async def test_a_ca_that_cannot_be_told_is_told_by_people() -> None:
    """An offline CA's certificate, and one that was imported: somebody has to do it, and it is said."""
    world = World()
    _, found = await revoked_with(world, TellByHand("This CA is not on line."))
    assert found.ca_notice is not None
    assert (NoticeState.BY_HAND, "This CA is not on line.") == (found.ca_notice.state, found.ca_notice.message)
    imported = await world.certificate()
    await confirm(world, imported, await asked(world, imported))
    await Office(world, Field()).settle()
    said = (await state(world, imported)).ca_notice
    assert said is not None
    assert NoticeState.BY_HAND is said.state
    assert 2 == len(world.events(RevocationCaByHand))


async def test_a_ca_that_wants_to_be_asked_later_is_trouble_that_passes() -> None:
    """It is told again after the time it named, not before."""
    world = World()
    issuers = await local_pki(world)
    talk = Talk(await issuers.of(Provider.LOCAL_PKI), NotYet("The CA limits its rate", 30.0), "The CA revoked it.")
    office = Office(world, Field(), issuers=talk)
    certificate_id = await ordered_and_revoked(world, office, talk)
    [failed] = world.events(RevocationCaFailed)
    assert isinstance(failed, RevocationCaFailed)
    assert failed.retrying
    await office.later(seconds=20, timers=False)
    assert 1 == len(talk.told)
    await office.later(seconds=11, timers=False)
    notice = (await state(world, certificate_id)).ca_notice
    assert notice is not None
    assert (NoticeState.INFORMED, 2) == (notice.state, len(talk.told))


async def notices(world: World) -> list[Alert]:
    """Alerts of CAs that do not know."""
    raised = [stream for stream, event in world.history() if isinstance(event, AlertRaised)]
    found = [(await load(world.house, ALERT, stream)).found for stream in raised]
    return [alert for alert in found if alert.kind is AlertKind.CA_NOT_INFORMED]


async def test_a_ca_that_does_not_know_is_an_alert_until_somebody_told_it() -> None:
    """Whoever told it by hand says so, with a comment, and the alert is over; there is nothing to retry then."""
    world = World()
    office, imported = Office(world, Field()), await world.certificate()
    await confirm(world, imported, await asked(world, imported))
    for act in (told_ca, retry_ca):
        with pytest.raises(Refused, match="being told just now"):
            await act(world.house, world.by("olga"), imported)
    await office.settle()
    [alert] = await notices(world)
    assert "tell its CA yourself" in alert.message
    assert alert.open
    await told_ca(world.house, world.by("olga"), imported, "by telephone, ticket 4711")
    await office.settle()
    assert [False] == [each.open for each in await notices(world)]
    told = (await state(world, imported)).ca_notice
    assert told is not None
    assert (NoticeState.INFORMED, False) == (told.state, told.retrying)
    for act in (told_ca, retry_ca):
        with pytest.raises(Refused) as refused:
            await act(world.house, world.by("olga"), imported)
        assert Code.INVALID_TRANSITION is refused.value.code


async def test_the_ca_is_told_once_more_when_somebody_wants_it() -> None:
    """Its no is an alert in its own words, and final until then; a yes ends it. Local PKI is told by nobody."""
    world = World()
    no = Refused(Code.VALIDATION_FAILED, "The CA refused: not yours")
    issuers = await local_pki(world)
    talk = Talk(await issuers.of(Provider.LOCAL_PKI), no, "The CA revoked it.")
    office = Office(world, Field(), issuers=talk)
    certificate_id = await ordered_and_revoked(world, office, talk)
    assert 1 == len(talk.told)
    assert [True] == [alert.open and no.detail in alert.message for alert in await notices(world)]
    with pytest.raises(Refused, match="Local PKI"):
        await told_ca(world.house, world.by("olga"), certificate_id)
    for _ in range(2):
        await retry_ca(world.house, world.by("olga"), certificate_id)
    assert 1 == len(world.events(RevocationCaRetried))
    await office.settle()
    assert 2 == len(talk.told)
    notice = (await state(world, certificate_id)).ca_notice
    assert notice is not None
    assert (NoticeState.INFORMED, "The CA revoked it.") == (notice.state, notice.message)
    assert [False] == [alert.open for alert in await notices(world)]
