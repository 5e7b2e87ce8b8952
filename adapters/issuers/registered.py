"""Providers that were registered, as issuers; and what their kinds ask to be told.

The code of a kind, and the libraries below it, are loaded when the first order goes through one.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from uuid import UUID

import msgspec

from adapters.issuers.acme.settings import AcmeSecrets, AcmeSettings, flaw
from adapters.issuers.external import settings as external
from adapters.issuers.external.settings import ExternalSecrets, ExternalSettings, OfflineSettings
from adapters.x509.parsing import MAX_PEM_CHARACTERS, certificate_ders, parse_der
from application import provider_secrets
from application.house import House, load
from application.issuer_ports import KeyMaker, RequestReader
from application.issuing_ports import Issuer
from application.ports import CertificateReader
from application.vault_ports import KeyVault
from domain.certificate import CERTIFICATE
from domain.certificate_facts import CertificateFacts
from domain.certificate_order import Provider
from domain.errors import Code, Refused
from domain.provider import PROVIDER, RegisteredProvider

if TYPE_CHECKING:
    from adapters.issuers.acme.http_solvers import ShownTokens

T = TypeVar("T")
_AT = re.compile(r" - at `\$(.*)`$", re.DOTALL)
_NAMED = re.compile(r"^Object (?:missing required|contains unknown) field `([^`]*)`")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")


class Places(NamedTuple):
    """What the operator of this host has set up for ACME (`[acme]` in certferry.toml)."""

    webroot: Path | None = None
    dns_hook: tuple[str, ...] = ()


class Parts(NamedTuple):
    """What issuers are made of."""

    make_key: KeyMaker
    read_request: RequestReader
    reader: CertificateReader
    vault: KeyVault
    tokens: "ShownTokens"


class ProviderKinds:
    """`application.providing.ProviderKinds`."""

    def __init__(self, places: Places) -> None:
        self._places = places

    def check(self, kind: Provider, settings: dict[str, Any], secrets: dict[str, str]) -> None:
        """See ProviderKinds.check."""
        _CHECKS[kind](settings, secrets, self._places)

    def check_change(self, kind: Provider, known: dict[str, Any], wanted: dict[str, Any]) -> None:
        """See ProviderKinds.check_change."""
        if kind is Provider.ACME and known.get("directory_url") != wanted.get("directory_url"):
            sentence = "The directory says which CA this is. Register another provider, and retire this one."
            raise _invalid(sentence, "/settings/directory_url")
        if kind is Provider.EXTERNAL_CA and known.get("kind") != wanted.get("kind"):
            raise _invalid("Register another provider, and retire this one.", "/settings/kind")


class RegisteredIssuers:
    """`adapters.issuing.Registered`."""

    def __init__(self, house: House, parts: Parts, places: Places) -> None:
        self._house = house
        self._parts = parts
        self._places = places

    async def issuer(self, provider_id: UUID) -> Issuer:
        """See Registered.issuer."""
        found = (await load(self._house, PROVIDER, provider_id)).found
        secrets = await provider_secrets.read(self._house, provider_id, found.secrets_version)
        if secrets is None:
            raise RuntimeError("the provider was changed at this very moment")  # it comes again, to the new ones
        return self._make(provider_id, found, secrets)

    def _make(self, provider_id: UUID, found: RegisteredProvider, secrets: dict[str, str]) -> Issuer:
        if found.provider is Provider.ACME:
            return self._acme(provider_id, found, secrets)
        return self._external(found, secrets)

    def _external(self, found: RegisteredProvider, secrets: dict[str, str]) -> Issuer:
        from adapters.issuers.external.cfssl import CfsslOrders, ExternalTools
        from adapters.issuers.external.offline import OfflineOrders
        from adapters.issuers.requesting import Requesting

        parts = self._parts
        tools = ExternalTools(
            parts.vault, Requesting(parts.make_key, parts.read_request, parts.vault), parts.reader, self._house.clock
        )
        settings = convert(found.settings, ExternalSettings, "/settings")
        if isinstance(settings, OfflineSettings):
            return OfflineOrders(settings, tools)
        return CfsslOrders(settings, convert(secrets, ExternalSecrets, "/secrets").auth_key or "", tools)

    async def _former(self, certificate_id: UUID) -> CertificateFacts | None:
        known = (await load(self._house, CERTIFICATE, certificate_id)).state
        return known.facts if known is not None else None

    def _acme(self, provider_id: UUID, found: RegisteredProvider, secrets: dict[str, str]) -> Issuer:
        from adapters.issuers.acme.orders import AcmeOrders, AcmeTools
        from adapters.issuers.requesting import Requesting

        parts, places = self._parts, self._places
        tools = AcmeTools(
            store=parts.vault,
            requesting=Requesting(parts.make_key, parts.read_request, parts.vault),
            reader=parts.reader,
            clock=self._house.clock,
            tokens=parts.tokens,
            webroot=places.webroot,
            dns_hook=places.dns_hook,
            former=self._former,
        )
        settings = convert(found.settings, AcmeSettings, "/settings")
        return AcmeOrders(provider_id, settings, convert(secrets, AcmeSecrets, "/secrets"), tools)


def convert(value: object, kind: Any, pointer: str) -> Any:
    """The value as a Struct. Raises Refused(validation-failed) with the pointer of what is wrong."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        found = _AT.search(str(error))
        detail = str(error)[: found.start()] if found else str(error)
        steps = [name or index for name, index in _STEP.findall(found[1])] if found else []
        if named := _NAMED.match(detail):
            steps.append(named[1])
        raise _invalid(f"{detail}.", "/".join((pointer, *steps))) from None


def _check_acme(given: dict[str, Any], given_secrets: dict[str, str], places: Places) -> None:
    settings, secrets = convert(given, AcmeSettings, "/settings"), convert(given_secrets, AcmeSecrets, "/secrets")
    if wrong := flaw(settings, secrets):
        raise _invalid(wrong[1], wrong[0])
    _check_trusted(settings.ca_certificates_pem)
    for solver, name, there in (
        ("http_webroot", "webroot", places.webroot is not None),
        ("dns_hook", "dns_hook", bool(places.dns_hook)),
    ):
        if settings.solver == solver and not there:
            raise _invalid(f"The solver {solver} needs acme.{name} in certferry.toml.", "/settings/solver")


def _check_external(given: dict[str, Any], given_secrets: dict[str, str], _: Places) -> None:
    settings = convert(given, ExternalSettings, "/settings")
    if wrong := external.flaw(settings, convert(given_secrets, ExternalSecrets, "/secrets")):
        raise _invalid(wrong[1], wrong[0])
    if isinstance(settings, OfflineSettings):
        _check_cas(settings.issuers_pem, "/settings/issuers_pem")
    else:
        _check_trusted(settings.ca_certificates_pem)


def _check_local_pki(_: dict[str, Any], __: dict[str, str], ___: Places) -> None:
    raise _invalid("Local PKI is built in; it needs no settings.", "/provider")


def _check_trusted(pem: str | None) -> None:
    if pem is not None:
        _check_cas(pem, "/settings/ca_certificates_pem")


def _check_cas(pem: str, pointer: str) -> None:
    for der in certificate_ders(pem, pointer, MAX_PEM_CHARACTERS):
        if not parse_der(der, pointer=pointer).facts.is_ca:
            raise _invalid("One of these is no CA's certificate.", pointer)


def _invalid(sentence: str, pointer: str) -> Refused:
    return Refused(Code.VALIDATION_FAILED, sentence, pointer=pointer)


_CHECKS: dict[Provider, Callable[[dict[str, Any], dict[str, str], Places], None]] = {
    Provider.LOCAL_PKI: _check_local_pki,
    Provider.ACME: _check_acme,
    Provider.EXTERNAL_CA: _check_external,
}
