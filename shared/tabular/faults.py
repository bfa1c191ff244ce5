"""What can be wrong with a file, and with one cell of it."""

from typing import ClassVar

from shared.kernel.refusal import Invalid, Refusal


class Unreadable(Refusal):
    """A file that is no table, or more of one than is taken; nothing of it was done."""

    status: ClassVar[int] = 422

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(code=code, zh=zh, en=en, field="file")


class TooLarge(Unreadable):
    """A file over one of its limits."""

    status: ClassVar[int] = 413


class BadCell(Invalid):
    """One cell cannot be read as what it should be. Its content is in no message."""

    def __init__(self, code: str, zh: str, en: str, *, field: str | None = None) -> None:
        super().__init__(code=code, zh=zh, en=en, field=field)

    def at(self, field: str) -> "BadCell":
        """The same, naming the field that the cell stands for."""
        return BadCell(self.code, self.zh, self.en, field=field)
