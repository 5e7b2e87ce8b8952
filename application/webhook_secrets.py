"""The secrets that webhook messages are signed with, version by version, in the vault.

A version is sealed before the event that names it commits, under a number of its own; what counts is the
`secret_version` in the ledger. Text form of Standard Webhooks: `whsec_` and base64.
"""

import base64
import secrets
from collections.abc import Iterable
from datetime import datetime
from itertools import count
from uuid import UUID

from application.house import House
from domain import ids
from domain.webhook import Webhook

_NAME = "secret"
_BYTES = 32
PREFIX = "whsec_"


def new_secret() -> bytes:
    """256 random bits."""
    return secrets.token_bytes(_BYTES)


def text_of(secret: bytes) -> str:
    """As it is shown once."""
    return PREFIX + base64.b64encode(secret).decode()


async def seal(house: House, webhook_id: UUID, present: int, secret: bytes) -> int:
    """Keep a secret as the first free version after the present one (0: there is none yet)."""
    for version in count(present + 1):
        if await house.vault.keep_first(_drawer(webhook_id, version), _NAME, secret) == secret:
            return version
    raise AssertionError("count never ends")


async def signing(house: House, webhook_id: UUID, webhook: Webhook, now: datetime) -> list[bytes]:
    """What a message is signed with now: the secret, and the former one while it still counts."""
    versions = [webhook.secret_version]
    if webhook.former_secret_version and webhook.former_secret_until and now < webhook.former_secret_until:
        versions.append(webhook.former_secret_version)
    found = [await house.vault.kept(_drawer(webhook_id, version), _NAME) for version in versions]
    return [secret for secret in found if secret is not None]


async def forget(house: House, webhook_id: UUID, versions: Iterable[int]) -> None:
    """Versions that nothing is signed with any more."""
    for version in versions:
        await house.vault.forget(_drawer(webhook_id, version))


def _drawer(webhook_id: UUID, version: int) -> UUID:
    return ids.derive("webhook-secret", webhook_id, version)
