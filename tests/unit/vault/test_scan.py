"""What a notice must not say (R65), however it is written; and what it may."""

import itertools
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.testing.decider import rule
from shared.vault.documents import check_character
from shared.vault.scan import Finding, Sensitive, scan

DOCUMENT, PHONE = Sensitive.DOCUMENT_NUMBER, Sensitive.PHONE
ACCOUNT, HEALTH = Sensitive.ACCOUNT, Sensitive.HEALTH


@rule("R65")
@pytest.mark.parametrize(
    ("text", "kind", "found"),
    [
        ("户主身份证370114199001011234。", DOCUMENT, "370114199001011234"),
        ("11010519491231002x", DOCUMENT, "11010519491231002x"),
        ("370114 19900101 123X", DOCUMENT, "370114 19900101 123X"),
        ("370114-1990-0101-1234", DOCUMENT, "370114-1990-0101-1234"),
        ("3 7 0 1 1 4 1 9 9 0 0 1 0 1 1 2 3 4", DOCUMENT, "3 7 0 1 1 4 1 9 9 0 0 1 0 1 1 2 3 4"),
        ("370114199001011234", DOCUMENT, "370114199001011234"),
        ("三七零一一四一九九零零一零一一二三四", DOCUMENT, "三七零一一四一九九零零一零一一二三四"),
        ("3701\u200b14199001011234", DOCUMENT, "3701\u200b14199001011234"),
        ("残证号37011419900101123443", DOCUMENT, "370114199001011234"),
        ("370114900101123", DOCUMENT, "370114900101123"),
        ("电话13812345678", PHONE, "13812345678"),
        ("138-1234-5678", PHONE, "138-1234-5678"),
        ("(138)1234 5678", PHONE, "138)1234 5678"),
        ("138 1234 5678", PHONE, "138 1234 5678"),
        ("138·1234·5678", PHONE, "138·1234·5678"),
        ("1 3 8 1 2 3 4 5 6 7 8", PHONE, "1 3 8 1 2 3 4 5 6 7 8"),
        ("+86 13812345678", PHONE, "86 13812345678"),
        ("一三八一二三四五六七八", PHONE, "一三八一二三四五六七八"),
        ("①③⑧12345678", PHONE, "①③⑧12345678"),
        ("2023-08-01 13812345678", PHONE, "13812345678"),
        ("6222021234567890128", ACCOUNT, "6222021234567890128"),
        ("6222 0212 3456 7890 128", ACCOUNT, "6222 0212 3456 7890 128"),
        ("账号90104001234567890", ACCOUNT, "90104001234567890"),
        ("因尿毒症支出大", HEALTH, "尿毒症"),
        ("糖 尿 病", HEALTH, "糖 尿 病"),
        ("糖-尿*病", HEALTH, "糖-尿*病"),
        ("户主残疾", HEALTH, "残疾"),
        ("hiv阳性", HEALTH, "hiv"),
        ("妻子中风", HEALTH, "中风"),
        ("集中中风险", None, ""),
        ("刚性支出较大,收入大幅缩减", None, ""),
        ("公示期2023年8月1日至2023-08-06", None, ""),
        ("2023-08-13 2023-08-20 5户", None, ""),
        ("第1、3、5、6、7、8、9、10、11组", None, ""),
        ("1 3 5 6 7 8 9 10 11 12", None, ""),
        ("监督电话0531-83212345", None, ""),
        ("编号20230801000123", None, ""),
        ("村代码370114101200", None, ""),
        ("鲁农发〔2023〕37号", None, ""),
        ("已缴纳大病保险", None, ""),
        ("果树病虫害导致产业失败", None, ""),
        ("集中风险排查", None, ""),
        ("家庭人口4人,一二三组", None, ""),
        ("", None, ""),
    ],
)
def test_what_is_found(text: str, kind: Sensitive | None, found: str) -> None:
    findings = scan(text)
    if kind is None:
        assert findings == []
        return
    start = text.index(found)
    assert findings == [Finding(kind, start, start + len(found))]


def test_everything_in_a_text_is_found_in_order() -> None:
    text = "张三患病,身份证370114199001011234,电话13812345678,卡6222021234567890128"
    assert [(finding.kind.zh, text[finding.start : finding.end]) for finding in scan(text)] == [
        ("健康状况", "患病"),
        ("身份证件号码", "370114199001011234"),
        ("手机号码", "13812345678"),
        ("银行账号", "6222021234567890128"),
    ]


def test_a_finding_does_not_hold_what_was_found() -> None:
    assert "138" not in repr(scan("号码:13812345678"))


DIGITS = st.sampled_from(["0123456789", "0123456789", "〇一二三四五六七八九"])
GAPS = st.sampled_from(["", " ", "-", "—", "·", "\u3000", "_", "."])
DATES = st.dates(date(1920, 1, 1), date(2099, 12, 31))
WORDS = st.sampled_from(["", "户主", "电话:", "(", "公示", ",", "A"])


def typed(number: str, digits: str, gap: str, sizes: list[int]) -> str:
    """A number as somebody might write it."""
    written = "".join(digits[int(letter)] if letter.isdigit() else letter for letter in number)
    groups, rest = [], written
    for size in sizes:
        groups.append(rest[:size])
        rest = rest[size:]
    return gap.join(groups)


@given(st.integers(0, 99), DATES, st.integers(0, 999), DIGITS, GAPS, WORDS, WORDS)
def test_a_document_number_is_found_in_any_dress(
    county: int, born: date, serial: int, digits: str, gap: str, before: str, after: str
) -> None:
    body = f"3701{county:02}{str(born).replace('-', '')}{serial:03}"
    number = typed(body + check_character(body), digits, gap, [6, 8, 4])
    assert DOCUMENT in {finding.kind for finding in scan(before + number + after)}


@given(
    st.integers(13_000_000_000, 19_999_999_999),
    DIGITS,
    GAPS,
    st.sampled_from([[11], [3, 4, 4], [3, 8], [4, 7], [1] * 11, [3, 3, 5]]),
    WORDS,
    WORDS,
)
def test_a_phone_is_found_in_any_dress(
    phone: int, digits: str, gap: str, sizes: list[int], before: str, after: str
) -> None:
    number = typed(str(phone), digits, gap, sizes)
    assert PHONE in {finding.kind for finding in scan(before + number + after)}


@given(st.text(max_size=60))
def test_findings_lie_in_the_text_and_apart(text: str) -> None:
    findings = scan(text)
    assert all(0 <= finding.start < finding.end <= len(text) for finding in findings)
    assert all(one.end <= other.start for one, other in itertools.pairwise(findings))
