"""What people type and events carry holds no document number, wherever in the text it stands."""

import pytest
from pydantic import TypeAdapter, ValidationError

from services.identification.domain.collection import Officer, Reference
from shared.kernel.document_number import holds_document_number

NUMBER = "370183195101010009"


@pytest.mark.parametrize("text", [NUMBER, f"章农委{NUMBER}", f"({NUMBER})", "11010519491231002x"])
def test_a_number_is_found(text: str) -> None:
    assert holds_document_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "章农委〔2023〕8号",
        NUMBER[:-1] + "8",  # its check character is wrong: a number of something else
        "370114202313450012",  # no date
        f"a{NUMBER}",
        "cd" * 32,
        "01a20b01-30e8-7615-8430-1f28bfee6d2c",
    ],
)
def test_other_numbers_are_other_numbers(text: str) -> None:
    assert not holds_document_number(text)


@pytest.mark.parametrize("made", [TypeAdapter(Reference), TypeAdapter(Officer)])
def test_a_reference_and_a_pseudonym_refuse_it_and_do_not_repeat_it(made: TypeAdapter[str]) -> None:
    with pytest.raises(ValidationError) as refused:
        made.validate_python(NUMBER)
    [error] = refused.value.errors()
    assert error["type"] == "personal-number"
    assert NUMBER not in error["msg"] + str(error["ctx"])
