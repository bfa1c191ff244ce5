"""The last line against personal data in logs: whatever got this far by mistake is masked here.

No code relies on it. Log lines are written with ids and codes only; these patterns catch the slip.
"""

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

_PERSONAL_KEYS = frozenset(
    {
        *("name", "full_name", "phone", "mobile", "document", "document_number", "id_number"),
        *("account", "bank_account", "card", "address", "illness", "disease", "disability"),
        *("caller", "text", "body", "password", "secret", "token", "authorization", "api_key"),
    }
)
_LONG_RUN = re.compile(r"\d{11}")
_EDGE, _END = r"(?<![0-9A-Za-z])", r"(?![0-9A-Za-z])"
_PATTERNS = (
    (
        re.compile(
            _EDGE
            + r"[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]"
            + r"(?:\d{2}|\d{4})?"
            + _END
        ),
        "[id]",
    ),
    (re.compile(_EDGE + r"(?:86)?1[3-9]\d{9}" + _END), "[phone]"),
    (re.compile(_EDGE + r"\d{16,19}" + _END), "[card]"),
)
_MASK = "[personal]"
_DEPTH = 6


def redact_text(text: str) -> str:
    """The text with ID numbers, mobile phones and card numbers masked."""
    if _LONG_RUN.search(text) is None:
        return text
    for pattern, mask in _PATTERNS:
        text = pattern.sub(mask, text)
    return text


def redact(value: Any, depth: int = 0) -> Any:
    """The value, however nested, with patterns masked and the values of personal keys hidden."""
    if isinstance(value, str):
        return redact_text(value)
    if value is None or isinstance(value, int | float):
        return _redact_number(value)
    if depth >= _DEPTH:
        return "[nested too deeply to be checked]"
    if isinstance(value, Mapping):
        return {key: redact_item(str(key), item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item, depth + 1) for item in value]
    return redact_text(str(value))


def redact_item(key: str, value: Any, depth: int = 0) -> Any:
    """One named value: hidden whole when its name says that it is personal."""
    if key.lower() in _PERSONAL_KEYS and value is not None:
        return _MASK
    return redact(value, depth)


def redact_event(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """The structlog processor: every value of the record goes through ``redact_item``."""
    return {key: redact_item(key, value) for key, value in event.items()}


def _redact_number(value: Any) -> Any:
    """Numbers are shown, unless one has the digits of a phone or a document number."""
    if not isinstance(value, int) or abs(value) < 10**10:
        return value
    masked = redact_text(str(value))
    return value if masked == str(value) else masked
