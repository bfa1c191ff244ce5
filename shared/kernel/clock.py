"""Time is handed in. Instants are aware and UTC; legal dates are days in Asia/Shanghai (K1)."""

from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


class Clock(Protocol):
    """Where a process gets the time from."""

    def now(self) -> datetime:
        """This instant, aware, UTC."""
        ...

    def today(self) -> date:
        """The calendar day in Asia/Shanghai."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """This instant, UTC."""
        return datetime.now(UTC)

    def today(self) -> date:
        """Today in Asia/Shanghai."""
        return legal_date(self.now())


class ShiftedClock:
    """The machine's clock moved by an offset: what the demo mode moves, openly."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self.offset = offset

    def now(self) -> datetime:
        """The machine's instant plus the offset, UTC."""
        return datetime.now(UTC) + self.offset

    def today(self) -> date:
        """The shifted day in Asia/Shanghai."""
        return legal_date(self.now())


def legal_date(instant: datetime) -> date:
    """The Asia/Shanghai calendar day of an instant."""
    return instant.astimezone(SHANGHAI).date()
