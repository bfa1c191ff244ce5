"""How personal data is shown to those who need no more: 张**, 3701**********1234, 138****1234."""

from collections.abc import Callable, Mapping
from typing import Any

HIDDEN = "***"


def mask_name(name: str) -> str:
    """``张三丰`` → ``张**``: the length is not shown either."""
    return f"{name[0]}**" if name else ""


def mask_document(number: str) -> str:
    """``370181199001011234`` → ``3701**********1234``; a short one is hidden whole."""
    if len(number) < 15:
        return HIDDEN
    return f"{number[:4]}{'*' * (len(number) - 8)}{number[-4:]}"


def mask_phone(phone: str) -> str:
    """``13812341234`` → ``138****1234``; anything shorter keeps its last two digits."""
    if len(phone) < 11:
        return f"{HIDDEN}{phone[-2:]}" if len(phone) >= 7 else HIDDEN
    return f"{phone[:-8]}****{phone[-4:]}"


def mask_account(account: str) -> str:
    """``6222021234567890123`` → ``***0123``."""
    return f"{HIDDEN}{account[-4:]}" if len(account) >= 12 else HIDDEN


def mask_address(address: str) -> str:
    """``山东省济南市章丘区垛庄镇某村12号`` → ``山东省济南市章丘区***``: down to the county."""
    end = max(address.rfind(letter, 0, 15) for letter in "县区市")
    return f"{address[: end + 1]}{HIDDEN}" if end > 0 else HIDDEN


def hide(_value: Any) -> str:
    """Anything → ``***``."""
    return HIDDEN


def clear(value: Any) -> Any:
    """A value that is shown as it is: a code that says nothing about a person by itself."""
    return value


Mask = Callable[[Any], Any]

MASKS: Mapping[str, Mask] = {
    "name": mask_name,
    "document_number": mask_document,
    "phone": mask_phone,
    "account": mask_account,
    "address": mask_address,
}
"""The masks by field name. A field that has none is hidden whole."""


def masked(data: Mapping[str, Any], masks: Mapping[str, Mask] = MASKS) -> dict[str, Any]:
    """A record with every field masked; absent values stay absent."""
    shown: dict[str, Any] = {}
    for name, value in data.items():
        mask: Mask = masks.get(name) or hide
        shown[name] = None if value is None else mask(value)
    return shown
