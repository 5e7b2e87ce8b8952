"""Providers outside: registered, changed, retired; which of them an order goes through; what a slow answer means."""

from typing import Any
from uuid import UUID

import msgspec
import pytest

from adapters.issuers.registered import Parts, Places, ProviderKinds, RegisteredIssuers
from adapters.issuing import Providers
from adapters.keys.generating import generate_key
from adapters.x509.requests import read_request
from application import provider_secrets
from application.house import load
from application.issuer_ports import RequestedCertificate
from application.issuing_ports import IssuedCertificate, Issuer, NotYet, RevokedCertificate
from application.order_processing import process_order
from application.ordering import submit_order
from application.providing import DescribeProvider, change_provider, register_provider, retire_provider
from domain.alert import AlertRaised
from domain.certificate_facts import CertificateFacts
from domain.certificate_order import CERTIFICATE_ORDER, OrderParameters, OrderStatus, Provider
from domain.errors import Code, Refused
from domain.provider import PROVIDER, ProviderChanged, ProviderRegistered
from tests.support.field import Field
from tests.support.office import Office
from tests.support.paper import authority, certificate
from tests.support.world import World

KINDS = ProviderKinds(Places())
SETTINGS: dict[str, Any] = {"directory_url": "https://ca.example/dir", "terms_of_service_agreed": True}
ACME = DescribeProvider(provider=Provider.ACME, name="Public CA", settings=SETTINGS)
BOUND = msgspec.structs.replace(ACME, settings=SETTINGS | {"eab_key_id": "k"}, secrets={"eab_hmac_key": "c2VjcmV0"})
WISH = OrderParameters(provider=Provider.ACME, common_name="www.example.org", validity_days=90)


def issuers(world: World) -> Providers:
    parts = Parts(generate_key, read_request, world.reader, world.vault, None)  # type: ignore[arg-type] # not shown
    return Providers({}, RegisteredIssuers(world.house, parts, Places()))


async def registered(world: World, wish: DescribeProvider = ACME) -> UUID:
    return (await register_provider(world.house, world.by("olga"), KINDS, wish)).result.id


async def submitted(world: World, wish: OrderParameters = WISH) -> UUID:
    return (await submit_order(world.house, world.by("rita"), issuers(world), wish)).result.id


def refusal(caught: "pytest.ExceptionInfo[Refused]") -> tuple[Code, str | None]:
    return caught.value.code, caught.value.pointer


async def test_secrets_go_to_the_vault_and_into_no_event() -> None:
    """The events name them; a change without secrets keeps them, one with secrets replaces them all."""
    world = World()
    provider_id = await registered(world, BOUND)
    await change_provider(world.house, world.by("olga"), KINDS, provider_id, ACME_RENAMED)
    found = (await load(world.house, PROVIDER, provider_id)).found
    assert ("Renamed", ("eab_hmac_key",)) == (found.name, found.secrets_set)
    kept = await provider_secrets.read(world.house, provider_id, found.secrets_version)
    assert {"eab_hmac_key": "c2VjcmV0"} == kept
    assert all(b"c2VjcmV0" not in msgspec.json.encode(event) for event in world.events())
    await change_provider(world.house, world.by("olga"), KINDS, provider_id, msgspec.structs.replace(ACME, secrets={}))
    assert () == (await load(world.house, PROVIDER, provider_id)).found.secrets_set
    assert 2 == len(world.events(ProviderChanged))


ACME_RENAMED = msgspec.structs.replace(BOUND, name="Renamed", secrets=None)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"settings": {}}, "/settings/directory_url"),
        ({"settings": SETTINGS | {"directory_url": "http://ca.example/dir"}}, "/settings/directory_url"),
        ({"settings": SETTINGS | {"colour": "green"}}, "/settings/colour"),
        ({"settings": SETTINGS | {"contact": ["nobody"]}}, "/settings/contact/0"),
        ({"settings": SETTINGS | {"solver": "http_webroot"}}, "/settings/solver"),
        ({"settings": SETTINGS | {"solver": "dns_hook"}}, "/settings/solver"),
        ({"settings": SETTINGS | {"solver": "dns_rfc2136"}}, "/settings/rfc2136"),
        ({"settings": SETTINGS | {"rfc2136": {"server": "10.0.0.1", "key_name": "k"}}}, "/secrets/tsig_secret"),
        ({"settings": SETTINGS | {"rfc2136": {"server": "10.0.0.1"}}}, "/settings/rfc2136/key_name"),
        ({"settings": SETTINGS | {"eab_key_id": "k"}}, "/secrets/eab_hmac_key"),
        ({"secrets": {"eab_hmac_key": "c2VjcmV0"}}, "/settings/eab_key_id"),
        ({"settings": SETTINGS | {"eab_key_id": "k"}, "secrets": {"eab_hmac_key": "?"}}, "/secrets/eab_hmac_key"),
        ({"secrets": {"password": "x"}}, "/secrets/password"),
        ({"settings": SETTINGS | {"ca_certificates_pem": "nothing"}}, "/settings/ca_certificates_pem"),
        ({"provider": Provider.LOCAL_PKI}, "/provider"),
    ],
)
async def test_what_cannot_be_used_is_refused_at_its_place(changes: dict[str, Any], pointer: str) -> None:
    """When the provider is registered, not when the first order fails; nothing is kept."""
    world = World()
    with pytest.raises(Refused) as caught:
        await registered(world, msgspec.structs.replace(ACME, **changes))
    assert (Code.VALIDATION_FAILED, pointer) == refusal(caught)
    assert "c2VjcmV0" not in caught.value.detail
    assert [] == world.events(ProviderRegistered)


async def test_names_are_unique_until_they_are_given_back() -> None:
    """A name belongs to one provider; a retired one gives it back."""
    world = World()
    provider_id = await registered(world)
    with pytest.raises(Refused) as caught:
        await registered(world)
    assert (Code.ALREADY_EXISTS, "/name") == refusal(caught)
    await retire_provider(world.house, world.by("olga"), provider_id)
    await registered(world)
    with pytest.raises(Refused) as caught:
        await change_provider(
            world.house, world.by("olga"), KINDS, provider_id, msgspec.structs.replace(ACME, name="New")
        )
    assert Code.INVALID_TRANSITION is caught.value.code


async def test_which_ca_it_is_cannot_be_changed() -> None:
    """Orders under way, and the account, belong to the CA they were given to."""
    world = World()
    provider_id = await registered(world)
    elsewhere = msgspec.structs.replace(ACME, settings=SETTINGS | {"directory_url": "https://other.example/dir"})
    with pytest.raises(Refused) as caught:
        await change_provider(world.house, world.by("olga"), KINDS, provider_id, elsewhere)
    assert (Code.VALIDATION_FAILED, "/settings/directory_url") == refusal(caught)


async def test_an_order_goes_through_the_only_provider_or_the_named_one() -> None:
    """None registered, one, several; one of another kind, a retired one, one that is not there."""
    world = World()
    with pytest.raises(Refused) as caught:
        await submitted(world)
    assert (Code.VALIDATION_FAILED, "/provider") == refusal(caught)
    first = await registered(world)
    order = (await load(world.house, CERTIFICATE_ORDER, await submitted(world))).found
    assert first == order.parameters.provider_id
    await registered(world, msgspec.structs.replace(ACME, name="Another"))
    retired = await registered(world, msgspec.structs.replace(ACME, name="Former"))
    await retire_provider(world.house, world.by("olga"), retired)
    await submitted(world, msgspec.structs.replace(WISH, provider_id=first))
    for wrong in (
        WISH,
        msgspec.structs.replace(WISH, provider_id=retired),
        msgspec.structs.replace(WISH, provider_id=UUID(int=1)),
        msgspec.structs.replace(WISH, provider_id=first, provider=Provider.EXTERNAL_CA),
        msgspec.structs.replace(WISH, provider_id=first, provider=Provider.LOCAL_PKI),
    ):
        with pytest.raises(Refused) as caught:
            await submitted(world, wrong)
        assert (Code.VALIDATION_FAILED, "/provider_id") == refusal(caught)


async def test_what_the_provider_never_issues_is_refused_when_it_is_ordered() -> None:
    """The order is checked by the provider that was registered."""
    world = World()
    await registered(world)
    with pytest.raises(Refused) as caught:
        await submitted(world, msgspec.structs.replace(WISH, common_name="*.example.org"))
    assert (Code.VALIDATION_FAILED, "/common_name") == refusal(caught)


class Slow:
    """A provider that answers when it has been asked often enough; with `seconds` None somebody else brings it."""

    def __init__(self, times: int, seconds: float | None) -> None:
        self._times = times
        self._seconds = seconds

    async def of(self, provider: Provider, provider_id: UUID | None = None) -> Issuer:
        return self

    def requested(self, csr_pem: str) -> RequestedCertificate:
        return read_request(csr_pem)

    def check(self, parameters: OrderParameters) -> None:
        """Everything."""

    def answers_at_once(self, parameters: OrderParameters) -> bool:
        return False

    async def issue(self, order_id: UUID, attempt: int, parameters: OrderParameters) -> IssuedCertificate:
        if self._times:
            self._times -= 1
            raise NotYet("it takes a while", self._seconds)
        from adapters.x509.parsing import parse_certificate

        return IssuedCertificate(parse_certificate(certificate(1).pem), (), None)

    async def forget(self, order_id: UUID, attempt: int) -> None:
        """Nothing is kept."""

    async def suggested(self, facts: CertificateFacts) -> None:
        return None

    async def revoke(self, revoked: RevokedCertificate) -> str:
        raise NotYet("it takes a while", self._seconds)


async def test_a_slow_answer_leaves_the_order_processing_and_alarms_nobody() -> None:
    """However often the provider is asked in vain; then the order is complete."""
    world = World()
    await registered(world)
    order_id, slow = await submitted(world), Slow(9, 5.0)
    for _ in range(9):
        with pytest.raises(NotYet):
            await process_order(world.house, world.by("process-order"), slow, order_id)
        assert OrderStatus.PROCESSING is (await load(world.house, CERTIFICATE_ORDER, order_id)).found.status
    await process_order(world.house, world.by("process-order"), slow, order_id)
    assert OrderStatus.COMPLETE is (await load(world.house, CERTIFICATE_ORDER, order_id)).found.status
    assert [] == world.events(AlertRaised)


async def test_an_answer_that_somebody_brings_is_not_asked_for_again() -> None:
    """The reaction has done what it can."""
    world = World()
    await registered(world)
    order_id = await submitted(world)
    await Office(world, Field(), issuers=Slow(99, None)).settle()
    assert OrderStatus.PROCESSING is (await load(world.house, CERTIFICATE_ORDER, order_id)).found.status


CFSSL: dict[str, Any] = {"kind": "cfssl", "url": "https://ca.example:8888", "profiles": {"server": "www"}}
KEY = {"auth_key": "0123456789ABCDEF"}


@pytest.mark.parametrize(
    ("settings", "secrets", "pointer"),
    [
        ({}, {}, "/settings/kind"),
        ({"kind": "printed"}, {}, "/settings/kind"),
        (CFSSL | {"url": "ca.example"}, KEY, "/settings/url"),
        (CFSSL | {"url": "https://ca.example/api"}, KEY, "/settings/url"),
        (CFSSL | {"profiles": {}}, KEY, "/settings/profiles"),
        (CFSSL | {"profiles": {"mail": "x"}}, KEY, "/settings/profiles/mail"),
        (CFSSL, {}, "/secrets/auth_key"),
        (CFSSL, {"auth_key": "no hex"}, "/secrets/auth_key"),
        ({"kind": "offline"}, {}, "/settings/issuers_pem"),
        ({"kind": "offline", "issuers_pem": "nothing"}, {}, "/settings/issuers_pem"),
        ({"kind": "offline", "issuers_pem": certificate(1).pem}, {}, "/settings/issuers_pem"),
        ({"kind": "offline", "issuers_pem": authority().pem}, KEY, "/secrets/auth_key"),
    ],
)
async def test_external_cas_are_checked_when_they_are_registered(
    settings: dict[str, Any], secrets: dict[str, str], pointer: str
) -> None:
    """The place to blame, and nothing is kept."""
    world = World()
    wish = DescribeProvider(provider=Provider.EXTERNAL_CA, name="CA", settings=settings, secrets=secrets)
    with pytest.raises(Refused) as caught:
        await registered(world, wish)
    assert (Code.VALIDATION_FAILED, pointer) == refusal(caught)
    assert [] == world.events(ProviderRegistered)


async def test_the_sort_of_an_external_ca_cannot_be_changed() -> None:
    """Orders that people carry would be stranded."""
    world = World()
    offline = {"kind": "offline", "issuers_pem": authority().pem}
    wish = DescribeProvider(provider=Provider.EXTERNAL_CA, name="CA", settings=offline)
    provider_id = await registered(world, wish)
    other = msgspec.structs.replace(wish, settings=CFSSL, secrets=KEY)
    with pytest.raises(Refused) as caught:
        await change_provider(world.house, world.by("olga"), KINDS, provider_id, other)
    assert (Code.VALIDATION_FAILED, "/settings/kind") == refusal(caught)
