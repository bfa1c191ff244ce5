"""Refusals: the answer "no", with its reason. A fault (a bug, a dead database) is anything else."""

from typing import ClassVar


class Refusal(Exception):
    """A command or query that the rules do not allow.

    ``rule`` names the rule (``R56``) or is empty for refusals that come from no rule of the Guide;
    ``code`` is stable and machine-readable; ``zh`` and ``en`` are what people read; ``field`` names
    the field of the request that is at fault, where one is.
    """

    status: ClassVar[int] = 422

    def __init__(
        self, rule: str = "", *, code: str, zh: str, en: str, field: str | None = None
    ) -> None:
        super().__init__(f"{code}: {en}" if not rule else f"{rule} {code}: {en}")
        self.rule, self.code, self.zh, self.en, self.field = rule, code, zh, en, field


class OutOfOrder(Refusal):
    """The act is known but not now: a step before it is missing, or it was done already."""

    status = 409


class NotFound(Refusal):
    """There is no such thing, or the caller may not know of it: the same answer for both."""

    status = 404

    def __init__(self, what_zh: str, what_en: str, *, field: str | None = None) -> None:
        super().__init__(
            code="not-found", zh=f"{what_zh}不存在", en=f"no such {what_en}", field=field
        )


class Forbidden(Refusal):
    """The caller's role or level does not allow the act (R1, R6)."""

    status = 403

    def __init__(self, zh: str, en: str, *, rule: str = "R1") -> None:
        super().__init__(rule, code="forbidden", zh=zh, en=en)


class Stale(Refusal):
    """The caller acted on a version that is no longer the latest (``If-Match``)."""

    status = 412

    def __init__(self, expected: int, actual: int) -> None:
        super().__init__(
            code="stale-version",
            zh=f"您看到的是第{expected}版,现已是第{actual}版,请刷新后再办理",
            en=f"you acted on version {expected}; the latest is {actual}",
            field="If-Match",
        )
        self.expected, self.actual = expected, actual


class Invalid(Refusal):
    """A field's content is wrong in itself, whatever the state."""

    status = 422


class Unavailable(Refusal):
    """Something this answer needs is down; the same request may succeed later."""

    status = 503

    def __init__(self, code: str, zh: str, en: str, *, retry_after: int = 5) -> None:
        super().__init__(code=code, zh=zh, en=en)
        self.retry_after = retry_after
