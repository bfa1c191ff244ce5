"""How long something has, in the words officers use: 剩余2天, 今天到期, 逾期1天."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Remaining:
    """A last day, seen from today."""

    due_on: date | None
    days: int
    """Until the last day; negative once it has passed."""

    @property
    def state(self) -> str:
        """``none``, ``calm``, ``soon`` (two days or fewer) or ``late``: the badge's look."""
        if self.due_on is None:
            return "none"
        if self.days < 0:
            return "late"
        return "soon" if self.days <= 2 else "calm"

    @property
    def zh(self) -> str:
        """In Chinese."""
        if self.due_on is None:
            return ""
        if self.days < 0:
            return f"逾期{-self.days}天"
        return f"剩余{self.days}天" if self.days else "今天到期"

    @property
    def en(self) -> str:
        """In English."""
        if self.due_on is None:
            return ""
        days = f"{abs(self.days)} day{'' if abs(self.days) == 1 else 's'}"
        if self.days < 0:
            return f"{days} overdue"
        return f"{days} left" if self.days else "due today"


def remaining(due_on: date | str | None, today: date) -> Remaining:
    """How long something has that is due on a day (a ``date`` or its ISO text)."""
    if due_on is None or due_on == "":
        return Remaining(None, 0)
    day = date.fromisoformat(due_on) if isinstance(due_on, str) else due_on
    return Remaining(day, (day - today).days)
