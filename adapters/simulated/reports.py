"""Reports in memory: what is written says what was asked for."""

from application.report_ports import ReportFile, ReportWanted
from domain.report_schedule import ReportFormat


class SimulatedReports:
    """application.report_ports.ReportWriter. `behind`: so many times the history does not show the position yet."""

    def __init__(self) -> None:
        self.written: list[ReportWanted] = []
        self.behind = 0

    async def write(self, wanted: ReportWanted, formats: tuple[ReportFormat, ...]) -> tuple[ReportFile, ...]:
        if self.behind:
            self.behind -= 1
            raise TimeoutError
        self.written.append(wanted)
        content = repr(wanted).encode()
        return tuple(ReportFile(f"{wanted.report}.{form}", "text/csv", content, "/reports") for form in formats)
