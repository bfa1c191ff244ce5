"""The rules of feeds and files, each by its name. Every one returns nothing or refuses."""

from collections.abc import Collection
from datetime import date

from shared.contracts.alerts import AlertField, AlertType, FeedMapping
from shared.kernel.principal import Principal, Role
from shared.kernel.refusal import Forbidden, Invalid, NotFound, OutOfOrder
from shared.policy.rules import rule

_NEEDED = (AlertField.HAPPENED_ON, AlertField.NAME, AlertField.DOCUMENT_NUMBER)


def feed_is_known(feed: str, feeds: Collection[str]) -> None:
    """Departments and what they report are listed (``triggers.FEEDS``)."""
    if feed not in feeds:
        raise NotFound("数据源", "feed", field="feed")


def mapping_is_whole(mapping: FeedMapping, allowed: Collection[AlertType]) -> None:
    """Whose alert it is, of which day, type and place must come from somewhere, each from one."""
    missing = [field for field in _NEEDED if field not in mapping.columns]
    if AlertField.TYPE not in mapping.columns and mapping.type is None:
        missing.append(AlertField.TYPE)
    if AlertField.DIVISION not in mapping.columns and mapping.division is None:
        missing.append(AlertField.DIVISION)
    if missing:
        raise Invalid(
            code="mapping-incomplete",
            zh="对照表缺少:" + "、".join(missing),
            en="the mapping lacks: " + ", ".join(missing),
            field=f"mapping.columns.{missing[0]}",
        )
    titles = [title.strip() for title in mapping.columns.values()]
    if len(set(titles)) != len(titles) or "" in titles:
        raise Invalid(
            code="mapping-ambiguous",
            zh="每个字段须对应不同的列名",
            en="each field needs a column of its own",
            field="mapping.columns",
        )
    named = {*mapping.types.values(), *((mapping.type,) if mapping.type else ())}
    if not named <= set(allowed):
        raise Invalid(
            "R42",
            code="type-not-of-this-feed",
            zh="该数据源不报送此类预警",
            en="the feed does not report that type",
            field="mapping.types",
        )


@rule("K7")
def not_set_backwards(effective_from: date, today: date) -> None:
    """A threshold holds from today or later: what was decided by the old one stays decided."""
    if effective_from < today:
        raise Invalid(
            "K7",
            code="threshold-backdated",
            zh=f"阈值自{effective_from}起生效,早于今天{today};已按原阈值处理的不追溯",
            en=f"a threshold takes effect on {today} at the earliest",
            field="threshold.effective_from",
        )


def file_is_the_callers(feed: str, principal: Principal) -> None:
    """A machine sends files of its own feeds; an officer those that a department handed over."""
    if Role.FEED in principal.roles and feed not in principal.feeds:
        raise Forbidden("该密钥无权向此数据源报送", "the key may not post to this feed", rule="R6")


@rule("R42")
def block_is_next(is_open: bool, due: int, given: int) -> None:
    """Blocks are compared one after the other, each once."""
    if not is_open or given != due:
        raise OutOfOrder(
            "R42",
            code="block-out-of-order",
            zh="该批数据已处理过",
            en="this block was compared before, or is not the next",
        )
