"""What is shown to those who need no more."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.vault.masking import (
    MASKS,
    clear,
    mask_account,
    mask_address,
    mask_document,
    mask_name,
    mask_phone,
    masked,
)


@pytest.mark.parametrize(
    ("mask", "value", "shown"),
    [
        (mask_name, "张三", "张**"),
        (mask_name, "买买提·艾力", "买**"),
        (mask_name, "", ""),
        (mask_document, "370114199001011234", "3701**********1234"),
        (mask_document, "37011419900101123443B1", "3701**************43B1"),
        (mask_document, "E12345678", "***"),
        (mask_phone, "13812341234", "138****1234"),
        (mask_phone, "+8613812341234", "+86138****1234"),
        (mask_phone, "83212345", "***45"),
        (mask_phone, "12345", "***"),
        (mask_account, "6222021234567890123", "***0123"),
        (mask_account, "12345678", "***"),
        (mask_address, "山东省济南市章丘区垛庄镇蒲秋村12号", "山东省济南市章丘区***"),
        (mask_address, "蒲秋村12号", "***"),
        (mask_address, "", "***"),
    ],
)
def test_masks(mask: Any, value: str, shown: str) -> None:
    assert mask(value) == shown


def test_a_field_without_a_mask_is_hidden_whole() -> None:
    data = {"name": "张三", "health": "慢性病", "ids": [1, 2], "spouse": None, "sex": "F"}
    assert masked(data, {**MASKS, "sex": clear}) == {
        "name": "张**",
        "health": "***",
        "ids": "***",
        "spouse": None,
        "sex": "F",
    }


@given(st.text(st.characters(exclude_characters="*"), min_size=2, max_size=30))
def test_no_mask_shows_a_whole_value(value: str) -> None:
    for mask in MASKS.values():
        assert value not in str(mask(value))
