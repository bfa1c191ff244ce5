"""Every coded value of the contracts in people's words: for pages, and for sheets people open."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

Labels = Mapping[str, Mapping[str, tuple[str, str]]]


@cache
def labels() -> Labels:
    """Group → code → (Chinese, English), in the order in which people are offered them."""
    found = tomllib.loads((Path(__file__).parent / "labels.toml").read_text(encoding="utf-8"))
    return {
        group: {code: (pair[0], pair[1]) for code, pair in codes.items()}
        for group, codes in found.items()
    }


def label(group: str, code: Any, language: str = "zh") -> str:
    """A coded value as people read it; a code that nobody has named is shown as it is."""
    if code is None or code == "":
        return ""
    if isinstance(code, bool):
        code = "YES" if code else "NO"
    pair = labels().get(group, {}).get(str(code))
    return str(code) if pair is None else pair[0 if language == "zh" else 1]
