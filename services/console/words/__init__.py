"""The words: Chinese first; English beside it in one catalogue.

Pages are written in Chinese; ``english.toml`` gives the English of every sentence, and
``shared.contracts.labels`` both languages of every coded value. A test finds what has no English
and what nobody uses.
"""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from shared.contracts.labels import label, labels

_HERE = Path(__file__).parent


@cache
def english() -> Mapping[str, str]:
    """The English of every sentence, by its Chinese."""
    return tomllib.loads((_HERE / "english.toml").read_text(encoding="utf-8"))


@cache
def entry_fields() -> Mapping[str, str]:
    """What the fields of the log's entries are called in Chinese; their English is their name."""
    return tomllib.loads((_HERE / "entries.toml").read_text(encoding="utf-8"))


@cache
def glossary() -> Sequence[Mapping[str, Sequence[str]]]:
    """What officers meet without explanation: ``name`` and ``says``, each in both languages."""
    found = tomllib.loads((_HERE / "glossary.toml").read_text(encoding="utf-8"))
    return tuple(found["term"])


class Words:
    """The words of one language."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, zh: str, **values: Any) -> str:
        """A sentence, with ``{name}`` filled in."""
        text = zh if self.language == "zh" else english().get(zh, zh)
        return text.format(**values) if values else text

    def label(self, group: str, code: Any) -> str:
        """A coded value as people read it; a code that nobody has named is shown as it is."""
        return label(group, code, self.language)

    def field(self, name: str) -> str:
        """A field of an entry; one that nobody has named is called by its own name."""
        return entry_fields().get(name, name) if self.language == "zh" else name.replace("_", " ")

    def choices(self, group: str) -> list[tuple[str, str]]:
        """Every code of a group with its words, in their order."""
        return [(code, self.label(group, code)) for code in labels()[group]]
