"""What a form must have and has not: told before anything is sent, beside each input."""

from collections.abc import Sequence
from dataclasses import replace

from services.console.forms.fields import Fault, Field, FieldFaults, Given, Rows, counts


def unfilled(fields: Sequence[Field], given: Given, prefix: str = "") -> dict[str, str]:
    """What must be filled in and is not: a sentence by the name of each input."""
    found: dict[str, str] = {}
    for field in fields:
        name = prefix + field.name
        if isinstance(field, Rows):
            for number in field.filled(given, name):
                inner = [
                    replace(item, required=True) if item.name == field.key else item
                    for item in field.fields
                ]
                found |= unfilled(inner, given, f"{name}.{number}.")
        elif field.required and counts(field, fields, given, prefix):
            try:
                _must_be_given(field, given, name)
            except Fault as fault:
                found[name] = fault.zh
    return found


def _must_be_given(field: Field, given: Given, name: str) -> None:
    try:
        value = field.read(given, name)
    except FieldFaults:
        return  # told beside what cannot be read
    if value is None:
        raise Fault("必填,请填写")
