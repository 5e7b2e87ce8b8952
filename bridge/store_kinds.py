"""Settings of targets that are stores. They name an entry of the bridge's configuration, which has the credentials."""

from typing import Annotated

import msgspec
from msgspec import Meta

_Entry = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$(?!\n)",
        description="Name in the bridge's own configuration. Addresses and credentials never come from here.",
    ),
]
_Tag = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9 +=._:/@-]{1,255}$(?!\n)",
        description="Which certificate: the one whose tag `certferry:place` has this value, or a new one.",
    ),
]
_Container = Annotated[
    str, Meta(pattern=r"^[^\u0000-\u001f\u007f]{1,255}$(?!\n)", description="Name of the certificate container.")
]


class AcmSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """AWS Certificate Manager. Re-imported under the same ARN, which load balancers name."""

    account: _Entry
    place: _Tag


class BarbicanSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """OpenStack Barbican. Containers cannot be changed: each push makes one, the newest of the name is in use."""

    cloud: _Entry
    container: _Container


StoreSettings = AcmSettings | BarbicanSettings


class NoSecrets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The credentials are in the bridge's own configuration."""
