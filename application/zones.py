"""Time zones by their names in the IANA time zone database."""

from zoneinfo import ZoneInfo

from domain.errors import Code, Refused


def zone_of(name: str, *, pointer: str = "/timing/time_zone") -> ZoneInfo:
    """The rules of a zone. Raises Refused where there is none of this name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; no name at all; a directory of names
        sentence = "The IANA time zone database has no zone of this name (Europe/Berlin, UTC)."
        raise Refused(Code.VALIDATION_FAILED, sentence, pointer=pointer) from None
