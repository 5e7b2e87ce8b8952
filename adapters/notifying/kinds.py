"""What the kinds of notification channel ask to be told."""

import base64
import binascii
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

from adapters.issuers.registered import convert
from adapters.notifying.settings import MailSecrets, MailSettings, WebhookSecrets, WebhookSettings
from adapters.x509.parsing import MAX_PEM_CHARACTERS, certificate_ders, parse_der
from application.webhook_secrets import PREFIX
from domain.endpoint import host_name
from domain.errors import Code, Refused
from domain.notification_channel import ChannelKind
from domain.web_address import parse_web_address

_CA = "/settings/ca_certificates_pem"


class Kinds:
    """`application.notification_ports.ChannelKinds`."""

    def check(self, kind: ChannelKind, settings: dict[str, Any], secrets: dict[str, str]) -> None:
        """See ChannelKinds.check."""
        _CHECKS[kind](settings, secrets)


def signing_secret(text: str) -> bytes | None:
    """The bytes of a secret in its text form (Standard Webhooks), None where it is none."""
    try:
        found = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return None
    return found if text.startswith(PREFIX) and 24 <= len(found) <= 64 else None


def _check_mail(given: dict[str, Any], given_secrets: dict[str, str]) -> None:
    settings, secrets = convert(given, MailSettings, "/settings"), convert(given_secrets, MailSecrets, "/secrets")
    if not _is_host(settings.host):
        raise _invalid("Write a host name or an address, without a port.", "/settings/host")
    if settings.username and secrets.password is None:
        raise _invalid("A user name needs its password.", "/secrets/password")
    if secrets.password is not None and not settings.username:
        raise _invalid("A password needs the name of its user.", "/settings/username")
    if settings.username and settings.security == "none":
        raise _invalid("A password is not sent in clear: use starttls or tls.", "/settings/security")
    if settings.ca_certificates_pem:
        for der in certificate_ders(settings.ca_certificates_pem, _CA, MAX_PEM_CHARACTERS):
            if not parse_der(der, pointer=_CA).facts.is_ca:
                raise _invalid("One of these is no CA's certificate.", _CA)


def _check_webhook(given: dict[str, Any], given_secrets: dict[str, str]) -> None:
    settings, secrets = convert(given, WebhookSettings, "/settings"), convert(given_secrets, WebhookSecrets, "/secrets")
    if parse_web_address(settings.url, pointer="/settings/url") != settings.url:
        usual = parse_web_address(settings.url, pointer="/settings/url")
        raise _invalid(f"Write it like this: {usual}", "/settings/url")
    if secrets.signing_secret is None or signing_secret(secrets.signing_secret) is None:
        sentence = "Messages are signed: give whsec_ and the base64 of 24 to 64 bytes (Standard Webhooks)."
        raise _invalid(sentence, "/secrets/signing_secret")


def _is_host(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return host_name(text) is not None
    return True


def _invalid(sentence: str, pointer: str) -> Refused:
    return Refused(Code.VALIDATION_FAILED, sentence, pointer=pointer)


_CHECKS: dict[ChannelKind, Callable[[dict[str, Any], dict[str, str]], None]] = {
    ChannelKind.MAIL: _check_mail,
    ChannelKind.WEBHOOK: _check_webhook,
}
