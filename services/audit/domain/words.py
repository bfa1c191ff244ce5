"""What an entry can be found by: facets (who, where, which kind, which outcome) and its words.

The same text is cut the same way on both sides: Latin runs, and each two neighbouring Chinese
characters, so that a part of a document number is found without a dictionary. Ids, hashes and
people's tokens are no words; leaves hold no personal data, so neither do these.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any
from zlib import crc32

from services.audit.domain.statement import GATE_OF

Envelope = Mapping[str, Any]

_OUTCOMES = ("disposition", "result", "fate", "rating", "because", "mismatch", "decision")
"""The fields in which events say, as a code, how something ended."""
_PLACES = (2, 4, 6, 9, 12)
"""The lengths of division codes, province to village (R1)."""
_TOKEN = re.compile(r"[0-9a-z]+|[\u3400-\u9fff\U00020000-\U0003ffff]+")
_NO_WORD = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{34}|[0-9a-f]{64}"
    r"|[0-9a-f]{128}"
)
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def of_entry(envelope: Envelope) -> set[str]:
    """Everything that the entry is found by."""
    found = {f"{name}:{envelope[name]}" for name in ("service", "category", "type", "actor")}
    found |= {f"role:{role}" for role in envelope["actor_roles"]}
    region = envelope["region"]
    found |= {f"region:{region[:length]}" for length in _PLACES if length <= len(region)}
    data = envelope.get("data") or {}
    found |= {f"outcome:{outcome}" for outcome in outcomes(data)}
    gate = GATE_OF.get(envelope["type"]) or data.get("gate")
    if isinstance(gate, str):
        found.add(f"gate:{gate}")
    texts = (envelope["type"], envelope["actor"], *_texts(data))
    return found | {word for text in texts for word in of_text(text)}


def outcomes(data: Mapping[str, Any]) -> list[str]:
    """The codes with which an event says how something ended."""
    return [data[name] for name in _OUTCOMES if isinstance(data.get(name), str)]


def of_text(text: str) -> Sequence[str]:
    """The words of a text; of a single Chinese character, that character."""
    return () if _NO_WORD.fullmatch(text) else _cut(text)


@lru_cache(maxsize=4096)
def _cut(text: str) -> Sequence[str]:
    """Nearly every text of an event is a code or a place, and comes again and again."""
    found: list[str] = []
    for run in _TOKEN.findall(_HUMP.sub(" ", text).lower()):
        if run[0].isascii() or len(run) == 1:
            found.append(run)
        else:
            found += (run[at : at + 2] for at in range(len(run) - 1))
    return tuple(found)


def number(word: str) -> int:
    """The word as the index keeps it: 32 bits, signed. Two words may share one; leaves decide."""
    return crc32(word.encode()) - (1 << 31)


def numbers(words: Iterable[str]) -> list[int]:
    """Each word's number, once, ascending."""
    return sorted({number(word) for word in words})


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
