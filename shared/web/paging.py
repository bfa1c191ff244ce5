"""Pages by key, not by number: a list that grows while it is read neither repeats nor skips.

A cursor holds the sort key of the last row and a digest of the question. It grants nothing (every
query is scoped to the caller anyway), so it is checked, not signed. Sort keys are ids, codes, dates
and numbers; never personal data, because a cursor stands in a URL.
"""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any, Generic, TypeVar

import orjson
from fastapi import Depends, Query
from pydantic import BaseModel, TypeAdapter, ValidationError

from shared.web.problem import Malformed

LARGEST_PAGE = 200
_LONGEST_CURSOR = 1000

T = TypeVar("T")
K = TypeVar("K", bound=tuple[Any, ...])


@dataclass(frozen=True)
class PageQuery:
    """Which page a caller asks for."""

    limit: int
    cursor: str | None


async def page_query(
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="Rows on a page.")] = 50,
    cursor: Annotated[
        str | None,
        Query(max_length=_LONGEST_CURSOR, description="`next` of the page before."),
    ] = None,
) -> PageQuery:
    """The dependency."""
    return PageQuery(limit, cursor)


Paged = Annotated[PageQuery, Depends(page_query)]
"""A handler's parameter: ``page: Paged``."""


class Page(BaseModel, Generic[T]):
    """One page of a list."""

    items: list[T]
    next: str | None
    """The cursor of the page after this one; ``null`` on the last."""


class Cursors(Generic[K]):
    """Cursors for one list, by the type of its sort key: ``Cursors(tuple[date, UUID])``."""

    def __init__(self, key: type[K]) -> None:
        self._key: TypeAdapter[K] = TypeAdapter(key)

    def after(self, page: PageQuery, question: Mapping[str, Any]) -> K | None:
        """The key to go on after; ``None`` for the first page.

        ``question`` is what else was asked (filters, order); a cursor of another question is
        refused. Raises ``Malformed``.
        """
        if page.cursor is None:
            return None
        try:
            digest, key = orjson.loads(_unpacked(page.cursor))
            if digest != _digest(question):
                raise ValueError("another question")
            return self._key.validate_json(orjson.dumps(key))
        except (ValueError, TypeError, ValidationError, binascii.Error):
            raise Malformed(
                code="cursor-malformed",
                zh="翻页标记无效,请从第一页重新查询",
                en="the cursor is not one of this list; start from the first page",
                field="cursor",
            ) from None

    def cut(
        self,
        rows: Sequence[T],
        page: PageQuery,
        question: Mapping[str, Any],
        key_of: Callable[[T], K],
    ) -> Page[T]:
        """The page from up to ``limit + 1`` rows: the surplus row only says that there is more."""
        shown = list(rows[: page.limit])
        more = len(rows) > page.limit
        return Page(items=shown, next=self._cursor(key_of(shown[-1]), question) if more else None)

    def _cursor(self, key: K, question: Mapping[str, Any]) -> str:
        packed = orjson.dumps([_digest(question), self._key.dump_python(key, mode="json")])
        return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def _unpacked(cursor: str) -> bytes:
    return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)


def _digest(question: Mapping[str, Any]) -> str:
    packed = orjson.dumps(dict(question), option=orjson.OPT_SORT_KEYS, default=str)
    return sha256(packed).hexdigest()[:16]
