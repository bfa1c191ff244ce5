"""What a feed's file may say, in people's words: its kinds of alert, and why a row was refused."""

from collections.abc import Mapping

from services.alerts.domain import triggers
from shared.contracts.alerts import AlertField, AlertType
from shared.contracts.labels import label

KINDS: Mapping[str, AlertType] = {
    **{kind.value: kind for kind in AlertType},
    **{label("AlertType", kind): kind for kind in AlertType},
}
"""Each kind of alert by its code and by its Chinese name: a file may hold either."""
_OF_THE_KIND = frozenset({"not-allowed", "type-not-of-this-feed"})


def kinds_of(feed: str, language: str = "zh") -> list[str]:
    """The kinds that a feed reports, as people name them."""
    return [
        label("AlertType", kind, language) for kind in AlertType if kind in triggers.FEEDS[feed]
    ]


def reason(feed: str, code: str | None, field: str | None, language: str = "zh") -> str:
    """Why a row of a feed's file was refused; where its kind is wrong, with the allowed ones."""
    said = label("RowReason", code, language)
    if field != AlertField.TYPE or code not in _OF_THE_KIND:
        return said
    between, listed = (":可填", "、") if language == "zh" else ("; it may be ", ", ")
    return said + between + listed.join(kinds_of(feed, language))


__all__ = ["KINDS", "kinds_of", "reason"]
