"""An export to syslog that is as a test says."""

from application.syslog_watch import SyslogState


class SimulatedSyslog:
    """application.syslog_watch.SyslogWatch; `now` is what it says."""

    def __init__(self) -> None:
        self.now = SyslogState(head=0, position=0, late_after=300.0)

    async def state(self) -> SyslogState:
        """See SyslogWatch.state."""
        return self.now
