"""What a notice may say (R65)."""

import pytest

from services.identification.notices import Content, coarse_cause, must_be_publishable
from shared.contracts.values import Risk
from shared.kernel.refusal import Refusal
from shared.testing.decider import rule
from shared.vault.documents import check_character

_BODY = "37018119800101001"


@rule("R65")
@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"身份证{_BODY}{check_character(_BODY)}", "sensitive-document-number"),
        ("电话138 0000 1234", "sensitive-phone"),
        ("一三八零零零零一二三四", "sensitive-phone"),
        ("因患尿毒症", "sensitive-health"),
    ],
)
def test_sensitive_words_are_refused(text: str, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        must_be_publishable("remark", text)
    assert (refused.value.rule, refused.value.code) == ("R65", code)


@rule("R65")
def test_plain_words_pass() -> None:
    must_be_publishable("remark", "如有异议请于公示期内向村委会反映")


@rule("R65")
@pytest.mark.parametrize(("risk", "cause"), [(r, coarse_cause([r])) for r in Risk])
def test_no_cause_on_a_notice_is_an_illness(risk: Risk, cause: str) -> None:
    assert cause in {"刚性支出较大", "收入大幅缩减"}, risk


@rule("R65")
def test_the_fields_are_a_whitelist() -> None:
    assert set(Content.__dataclass_fields__) == {
        "title",
        "number",
        "village",
        "head_name",
        "members",
        "category",
        "cause",
        "from_day",
        "to_day",
        "issuer",
        "objection_phone",
        "remark",
        "salt",
    }
