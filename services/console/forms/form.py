"""A form: which act of which service it asks for, its fields, and how its body is made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.console.forms.fields import (
    Choice,
    Day,
    Field,
    Given,
    Long,
    Rows,
    Signature,
    nested,
    read_all,
)

Json = Any

ON = Day(name="occurred_on", label="办理日期", default="today", hint="实际办理的那一天")
NOTE = Long(name="note", label="备注", hint="写入保险库,不进入公示和审计日志", personal=True)
LATE = Choice(
    name="late_reason", label="逾期原因", group="LateReason", hint="超过期限办理时必须说明"
)


@dataclass(frozen=True)
class Trial:
    """A button that looks first: nothing is carried out."""

    do: str
    """What is sent as ``_do``."""
    words: str
    window: str = ""
    """Where the answer goes, so that the form stays as it is: ``_blank``, ``_self`` for a file."""


SHEETS = (Trial("page", "预览和打印", "_blank"), Trial("docx", "下载DOCX", "_self"))
"""The paper, before it is posted."""


@dataclass(frozen=True, kw_only=True)
class Form:
    """One screen that does one thing."""

    name: str
    title: str
    """Chinese; the catalogue has its English."""
    service: str
    path: str
    """The route's template; its ids come from the page's address."""
    fields: tuple[Field, ...] = ()
    intro: str = ""
    """One sentence: what this step is, and what is wanted."""
    button: str = "提交"
    done: str = "已办理"
    trials: tuple[Trial, ...] = ()
    dated: bool = True
    """Asks for the legal date of the act."""
    noted: bool = False
    """Takes a note."""
    late: bool = False
    """Stands under a clock: takes the reason for being late."""
    fixed: tuple[tuple[str, Json], ...] = ()
    """Values that nobody is asked for."""
    step: str = ""
    """The procedure's step that it does; empty for what can be done beside the procedure."""

    @property
    def all_fields(self) -> tuple[Field, ...]:
        """The form's own fields and those that its kind of act has."""
        return (
            *self.fields,
            *((LATE,) if self.late else ()),
            *((ON,) if self.dated else ()),
            *((NOTE,) if self.noted else ()),
        )

    @property
    def signed(self) -> bool:
        """Whether it is signed with a key of the person's own."""
        return any(isinstance(field, Signature) for field in self.fields)

    @property
    def takes_files(self) -> bool:
        """Whether any field takes files."""
        return any(_takes_files(field) for field in self.all_fields)

    def body(self, given: Given) -> dict[str, Json]:
        """The request's body. Raises ``FieldFaults``."""
        return {**dict(self.fixed), **nested(read_all(self.all_fields, given))}


def _takes_files(field: Field) -> bool:
    inner = field.fields if isinstance(field, Rows) else ()
    return field.kind == "files" or any(map(_takes_files, inner))


def input_name(field: str) -> str:
    """The API's ``incomes[0].kind`` as the page's input is called: ``incomes.0.kind``."""
    return field.replace("[", ".").replace("]", "")


def by_name(forms: Sequence[Form]) -> Mapping[str, Form]:
    """The forms by their names."""
    return {form.name: form for form in forms}
