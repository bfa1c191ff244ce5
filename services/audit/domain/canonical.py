"""RFC 8785 JSON: one value, one run of bytes. What a leaf is made of and what decisions are over.

Written out here rather than taken from a package because the domain stands on the standard library
alone; the tests hold it against ``rfc8785`` on generated values.
"""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any

MAX_EXACT = 2**53 - 1
"""Beyond this an integer has no exact IEEE double, and RFC 8785 no single form for it."""


class NotCanonical(ValueError):
    """A value that has no canonical form, or bytes that are not in it."""


def encode(value: Any) -> bytes:
    """The canonical bytes of a JSON value (str, int, float, bool, ``None``, list, dict).

    Raises ``NotCanonical`` for NaN, infinities, integers beyond ±(2^53 - 1), lone surrogates, keys
    that are not text, and anything that is not JSON.
    """
    try:
        if _plain(value):
            return _FAST.encode(value).encode()
        return _text(value).encode()
    except UnicodeEncodeError as error:
        raise NotCanonical("a lone surrogate") from error


text: Callable[[str], str] = encode_basestring
"""The canonical form of a string, not yet encoded."""


def decode(data: bytes) -> Any:
    """The value of canonical bytes. Raises ``NotCanonical`` when they are not exactly those."""
    try:
        value = json.loads(data.decode(), parse_int=_integer)
    except (ValueError, RecursionError) as error:
        raise NotCanonical(f"not JSON: {error}") from error
    if encode(value) != data:
        raise NotCanonical("not in canonical form")
    return value


def _integer(text: str) -> int | float:
    """JSON has one kind of number: digits too many for an exact integer are a double's."""
    number = int(text)
    return number if abs(number) <= MAX_EXACT else float(text)


_FAST = json.JSONEncoder(
    ensure_ascii=False,
    sort_keys=True,
    separators=(",", ":"),
    allow_nan=False,
    check_circular=False,  # ``_plain`` has gone through the value before
)


def _plain(value: Any) -> bool:
    """Whether the standard library's own writer already gives the canonical form.

    It does but for two things: the form of floats, and the order of keys outside ASCII.
    """
    kind = type(value)
    if kind is dict:
        # A loop, because it is asked of every field of every event there is.
        for key, item in value.items():
            if type(key) is not str or not key.isascii():
                return False
            if type(item) is not str and not _plain(item):
                return False
        return True
    if kind is list or kind is tuple:
        return all(map(_plain, value))
    if kind is int:
        return bool(-MAX_EXACT <= value <= MAX_EXACT)
    return kind is str or kind is bool or value is None


def _text(value: Any) -> str:
    match value:
        case None | bool() | str():
            return _FAST.encode(value)
        case int() | float():
            return _number(value)
        case list() | tuple():
            return "[" + ",".join(map(_text, value)) + "]"
        case dict():
            return _object(value)
    raise NotCanonical(f"{type(value).__name__} is not JSON")


def _object(value: Mapping[Any, Any]) -> str:
    if not all(isinstance(key, str) for key in value):
        raise NotCanonical("a key that is not text")
    ordered = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
    return "{" + ",".join(f"{_FAST.encode(key)}:{_text(value[key])}" for key in ordered) + "}"


def _number(value: float) -> str:
    """ECMAScript's ``Number::toString``: the shortest digits, an exponent only far from 1."""
    if isinstance(value, int):
        if not -MAX_EXACT <= value <= MAX_EXACT:
            raise NotCanonical(f"{value} has no exact double")
        return str(value)
    if value != value or value in {float("inf"), float("-inf")}:  # noqa: PLR0124 - the test for NaN
        raise NotCanonical(f"{value} is not JSON")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    _, digit_tuple, exponent = Decimal(repr(abs(value))).normalize().as_tuple()
    digits = "".join(map(str, digit_tuple))
    point = len(digits) + int(exponent)
    return sign + _placed(digits, point)


def _placed(digits: str, point: int) -> str:
    """``digits`` with the decimal point after the first ``point`` of them."""
    if len(digits) <= point <= 21:
        return digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    mantissa = digits if len(digits) == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{mantissa}e{point - 1:+d}"
