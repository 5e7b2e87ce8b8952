"""Which certificate a client asks about: named by its issuer's key and its serial number (RFC 9773, 4.1)."""

from collections.abc import Callable
from uuid import UUID

from application.house import House, load
from domain import ids
from domain.claim import CLAIM

IssuedBy = Callable[[str], str | None]
"""The name (RFC 4514) of the CA of Local PKI whose key has this identifier (lower-case hex), None where there is none.
"""


async def certificate_id_named(house: House, issued_by: IssuedBy, key_id: bytes, serial: bytes) -> UUID | None:
    """The id of a certificate that Local PKI issued. `serial`: the content octets of its INTEGER."""
    issuer = issued_by(key_id.hex())
    if issuer is None or not 0 < len(serial) <= 21 or serial[0] & 0x80:
        return None
    number = int.from_bytes(serial, "big")
    digits = f"{number:x}"
    claim = await load(house, CLAIM, ids.serial_claim_id(issuer, digits.zfill(len(digits) + len(digits) % 2)))
    return claim.state.holder_id if claim.state is not None else None
