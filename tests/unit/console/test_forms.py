"""What people type becomes what the API takes; what cannot be read is said beside its field."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.forms.fields import (
    Checklist,
    Choice,
    Codes,
    Day,
    Days,
    Fault,
    FieldFaults,
    Files,
    Given,
    Lengths,
    Number,
    Place,
    Rows,
    Signature,
    Text,
    Words,
    YesNo,
    Yuan,
    fen,
    nested,
    read_all,
)
from services.console.forms.form import Form, input_name
from services.console.forms.policy import PUBLISH
from shared.kernel.money import yuan
from shared.testing.decider import rule

ROWS = Rows(
    name="incomes",
    label="收入",
    key="amount",
    always=True,
    fields=(Choice(name="kind", label="类别", group="IncomeKind"), Yuan(name="amount", label="元")),
)


def typed(**texts: str | list[str]) -> Given:
    """What a browser sent; ``__`` stands for a dot."""
    return Given(
        {
            name.replace("__", "."): [text] if isinstance(text, str) else text
            for name, text in texts.items()
        },
        {},
    )


@rule("R35")
@pytest.mark.parametrize(
    ("text", "amount"),
    [("7750", 775_000), ("7,750.50", 775_050), ("7,750元", 775_000), (" 12 000 ", 1_200_000)],
)
def test_yuan_become_fen(text: str, amount: int) -> None:
    assert fen(text) == amount


@rule("R35")
@given(st.integers(min_value=0, max_value=10**13))
def test_what_is_shown_can_be_typed_again(amount: int) -> None:
    assert fen(yuan(amount)) == amount


@pytest.mark.parametrize("text", ["七千", "1.005", "NaN", "Infinity", "1e", ""])
def test_what_is_no_amount_is_a_fault(text: str) -> None:
    with pytest.raises(Fault):
        fen(text)


@rule("R16")
def test_a_checklist_holds_what_was_answered_and_nothing_of_its_neighbours() -> None:
    gaps = Checklist(name="gaps", label="三保障", group="Gap")
    sent = typed(gaps__HOUSING="no", gaps__SAFE_WATER="yes", watch__INDUSTRY="yes")
    assert gaps.read(sent, "gaps") == {"HOUSING": False, "SAFE_WATER": True}
    assert gaps.read(typed(), "gaps") is None


def test_yes_or_no_is_nothing_until_somebody_says_so() -> None:
    field = YesNo(name="hardship", label="困难")
    assert [field.read(typed(hardship=text), "hardship") for text in ("yes", "no", "")] == [
        True,
        False,
        None,
    ]


def test_empty_rows_are_none_and_the_others_keep_their_order() -> None:
    sent = typed(
        incomes__0__kind="WAGE",
        incomes__0__amount="24000",
        incomes__1__kind="OPERATING",
        incomes__1__amount="",
        incomes__7__kind="TRANSFER",
        incomes__7__amount="3000",
    )
    assert ROWS.read(sent, "incomes") == [
        {"kind": "WAGE", "amount": 2_400_000},
        {"kind": "TRANSFER", "amount": 300_000},
    ]
    assert ROWS.read(typed(), "incomes") == []


def test_every_fault_of_a_form_is_told_by_its_inputs_name() -> None:
    fields = (ROWS, Number(name="due", label="应到"), Day(name="on", label="日期"))
    sent = typed(incomes__3__amount="许多", due="四十", on="昨天")
    with pytest.raises(FieldFaults) as found:
        read_all(fields, sent)
    assert set(found.value.faults) == {"incomes.3.amount", "due", "on"}


def test_a_place_is_its_code_however_it_was_chosen() -> None:
    place = Place(name="division", label="村")
    assert place.read(typed(division="370114101200 垛庄镇蒲秋村"), "division") == "370114101200"
    assert place.read(typed(division="370114101200"), "division") == "370114101200"
    with pytest.raises(Fault):
        place.read(typed(division="蒲秋村"), "division")


def test_files_are_cited_by_their_digests_and_kept_ones_stay() -> None:
    sent = Given({"evidence.kept": ["a" * 64]}, {"evidence": ["b" * 64]})
    assert Files(name="evidence", label="照片").read(sent, "evidence") == ["b" * 64, "a" * 64]
    assert (
        Files(name="photo", label="照片", many=False).read(
            Given({}, {"photo": ["c" * 64]}), "photo"
        )
        == "c" * 64
    )


def test_a_body_is_nested_as_the_api_has_it_and_leaves_out_what_was_not_given() -> None:
    form = Form(
        name="x",
        title="x",
        service="assistance",
        path="/x",
        fields=(Text(name="terms.kind", label="措施"), Words(name="officers", label="责任人")),
        fixed=(("about", "REFUSAL"),),
        dated=False,
    )
    sent = typed(terms__kind="CASH", officers="person:a, person:b")
    assert form.body(sent) == {
        "about": "REFUSAL",
        "terms": {"kind": "CASH"},
        "officers": ["person:a", "person:b"],
    }
    assert nested({"a.b": 1, "a.c": None}) == {"a": {"b": 1}}


def test_the_apis_name_of_a_field_is_the_inputs() -> None:
    assert input_name("incomes[0].kind") == "incomes.0.kind"


@pytest.mark.parametrize(
    "text",
    [
        "AB" * 64,
        f" {'ab' * 64}\n",
        f'{{"content_sha256": "{"0" * 64}", "signature": "{"ab" * 64}"}}',
    ],
)
def test_a_signature_is_read_as_it_is_or_out_of_what_the_command_line_printed(text: str) -> None:
    field = Signature(name="signature", label="签名")
    assert field.read(typed(signature=text), "signature") == "ab" * 64


@pytest.mark.parametrize("text", ["ab", "ab" * 65, "zz" * 64])
def test_what_is_no_signature_is_said_beside_the_field(text: str) -> None:
    with pytest.raises(Fault, match="128位"):
        Signature(name="signature", label="签名").read(typed(signature=text), "signature")


def test_lists_are_read_however_people_part_them() -> None:
    """Warnings, counties and days off; 无 empties a list, nothing typed leaves it."""
    warnings = Lengths(name="warnings", label="提醒")
    assert warnings.read(typed(warnings="10天、13天 5个工作日"), "warnings") == [
        "10d",
        "13d",
        "5wd",
    ]
    counties = Codes(name="counties", label="县")
    assert counties.read(typed(counties="370181,370102"), "counties") == ["370181", "370102"]
    assert counties.read(typed(counties="无"), "counties") == []
    assert counties.read(typed(counties=" "), "counties") is None
    days = Days(name="days", label="放假")
    assert days.read(typed(days="2026-10-01至2026-10-03\n2026-01-01"), "days") == [
        "2026-01-01",
        "2026-10-01",
        "2026-10-02",
        "2026-10-03",
    ]
    for field, text in ((warnings, "10"), (counties, "章丘区"), (days, "2026-10-03至2026-10-01")):
        with pytest.raises(Fault):
            field.read(typed(**{field.name: text}), field.name)


@rule("K7")
def test_a_version_is_whole_and_its_tables_grow_by_their_rows() -> None:
    """Published with all that was in force; a list is replaced, a table changed row by row."""
    in_force = {"organisations": {"lead": "党委农办"}, "plan_warnings": ["7d"], "plan": "10d"}
    form = replace(PUBLISH, base=in_force, division="37")
    at = "policy.parameters."
    texts = {
        f"{at}organisations.0.role": "executive",
        f"{at}organisations.0.name": "省农业农村厅",
        f"{at}organisations.1.role": "lead",
        f"{at}plan_warnings": "5天",
        f"{at}working_years.0.year": "2034",
        f"{at}working_years.0.document": "国办发明电〔2033〕9号",
        f"{at}working_years.0.holidays": "2034-10-01至2034-10-02",
    }
    body = form.body(Given({name: [text] for name, text in texts.items()}, {}))
    assert body["policy"]["parameters"] == {
        "organisations": {"lead": "党委农办", "executive": "省农业农村厅"},
        "plan_warnings": ["5d"],
        "plan": "10d",
        "working_years": {
            "2034": {
                "document": "国办发明电〔2033〕9号",
                "holidays": ["2034-10-01", "2034-10-02"],
            }
        },
    }
