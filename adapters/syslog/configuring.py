"""What the settings say about the export."""

from pathlib import Path

from adapters.postgres_ops.syslog_export import PostgresSyslogWatch
from adapters.settings import SettingsRefused, Syslog
from adapters.syslog.receivers import parse_receiver
from adapters.syslog.sending import Line, Trust, line_to
from projections.reading.postgres import Reader

_LEAST, _MOST = 2048, 65_000


def line_of(settings: Syslog) -> Line:
    """The way to the receiver. Raises SettingsRefused."""
    paths = (settings.ca_file, settings.certificate_file, settings.key_file)
    ca, certificate, key = (Path(path) if path else None for path in paths)
    try:
        longest_of(settings)
        return line_to(parse_receiver(settings.address), Trust(ca_file=ca, certificate_file=certificate, key_file=key))
    except (ValueError, OSError) as error:
        raise SettingsRefused(f"The syslog export cannot use its settings: {error}.") from None


def longest_of(settings: Syslog) -> int:
    """Octets of a message. Raises ValueError."""
    if settings.longest and not _LEAST <= settings.longest <= _MOST:
        raise ValueError(f"syslog.longest is from {_LEAST} to {_MOST} octets")
    return settings.longest or parse_receiver(settings.address).usual_longest


def syslog_watch(rows: Reader, settings: Syslog) -> PostgresSyslogWatch | None:
    """What looks at the export, where a receiver is set."""
    if not settings.address:
        return None
    return PostgresSyslogWatch(rows, first_position=settings.from_position, late_after=settings.late_after)
