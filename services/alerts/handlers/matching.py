"""Finding the household behind a document number, with nothing but tokens (DESIGN §7)."""

from collections.abc import Iterator

from services.alerts.domain.register import Match, Why
from services.alerts.read_models import register
from services.alerts.read_models.register import Connection, Waiting
from shared.kernel.document_number import LENGTH
from shared.kernel.refusal import Invalid
from shared.vault.blind_index import BlindIndex
from shared.vault.documents import LENGTHS, Document, normalise, parse_document

_DIGITS = "0123456789"

__all__ = ["look_up", "must_be_valid", "waiting_for_clue", "waiting_for_lead"]


async def look_up(connection: Connection, index: BlindIndex, number: str | None) -> Match:
    """The households with a member of that number; near misses where it is no valid one."""
    if number is None:
        return Match()
    try:
        tokens = index.tokens(parse_document(number))
    except Invalid:
        similar = [token for near in _one_slip_away(number) for token in index.tokens(near)]
        return Match(similar=tuple(similar))
    found = await register.by_tokens(connection, tokens)
    if not found:
        await register.lock(connection, tokens)
        found = await register.by_tokens(connection, tokens)
    return Match(found, tokens)


def must_be_valid(number: str) -> Document:
    """A machine can check what it sends: unlike a caller's, its numbers must be right."""
    try:
        return parse_document(number)
    except Invalid as wrong:
        field = "person.document_number"
        raise Invalid(code=wrong.code, zh=wrong.zh, en=wrong.en, field=field) from None


def must_be_whole(number: str | None) -> None:
    """A number that an officer writes has a length that registers take.

    A wrong digit is suggested from; the old 15 digits could never be recognised by anything.
    """
    if number is None or len(normalise(number)) in LENGTHS:
        return
    raise Invalid(
        code="document-number-length",
        zh="证件号码应为18、20或22位(15位的旧号码已停用);不清楚的可以不填,只填姓名",
        en="it has 18, 20 or 22 characters (15 are no longer in use); leave it out, with a name,"
        " if you do not know it",
        field="person.document_number",
    )


def waiting_for_lead(match: Match) -> Iterator[Waiting]:
    """What a lead without a household waits for."""
    yield Waiting(match.tokens, Why.SAME_NUMBER, automatic=True)
    yield Waiting(match.similar, Why.SIMILAR_NUMBER, automatic=False)


def waiting_for_clue(match: Match) -> Iterator[Waiting]:
    """A clue is only ever suggested a household: an officer looks before anything begins."""
    yield Waiting(match.tokens, Why.SAME_NUMBER, automatic=False)
    yield Waiting(match.similar, Why.SIMILAR_NUMBER, automatic=False)


def _one_slip_away(text: str) -> Iterator[Document]:
    """The valid numbers that differ from ``text`` in one character, or in two swapped."""
    number = normalise(text)
    if len(number) != LENGTH:
        return
    for candidate in {*_one_changed(number), *_two_swapped(number)}:
        try:
            yield parse_document(candidate)
        except Invalid:
            continue  # most are not: the check character sees nearly every slip


def _one_changed(number: str) -> Iterator[str]:
    for place, character in enumerate(number):
        for other in _DIGITS if place < LENGTH - 1 else f"{_DIGITS}X":
            if other != character:
                yield number[:place] + other + number[place + 1 :]


def _two_swapped(number: str) -> Iterator[str]:
    for place in range(LENGTH - 1):
        yield number[:place] + number[place + 1] + number[place] + number[place + 2 :]
