"""How an exported entry stands in a table: stable keys for machines, words in a workbook."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from shared.contracts.labels import label
from shared.kernel.division import NATION
from shared.policy.divisions import Divisions
from shared.tabular.writing import Book, Format

Row = Mapping[str, Any]
Signed = Mapping[str, Mapping[str, Any]]
LINES = {
    name: name
    for name in (
        "log",
        "index",
        "recorded_at",
        "occurred_on",
        "service",
        "category",
        "type",
        "actor",
        "actor_division",
        "actor_roles",
        "region",
        "key",
        "stream_id",
        "version",
        "event_id",
        "correlation_id",
        "causation_id",
        "schema_version",
        "data",
    )
}
"""What a row shows, in this order; ``data`` is the event's own fields as JSON."""
SHEET = {
    "recorded_at": "登记时间(北京时间)",
    "occurred_on": "办理日期",
    "event": "事项",
    "service": "服务",
    "actor": "何人",
    "roles": "岗位",
    "actor_division": "何人所在区划代码",
    "region": "所在地区划代码",
    "place": "所在地",
    "data": "内容(原文)",
    "version": "第几版",
    "stream_id": "个案等编号",
    "key": "农户等编号",
    "correlation_id": "请求编号",
    "causation_id": "起因编号",
    "event_id": "记录编号",
    "type": "事项代码",
    "category": "类别代码",
    "schema_version": "格式版本",
    "log": "日志",
    "index": "日志中的序号",
}
"""The same for people: times on the clock of the offices, codes in words beside the codes."""
PROVEN = ("log", "index", "event_id", "type", "actor", "stream_id", "version", "data")
"""What of a row is compared with the proven text, whatever the format."""
_ZONE = ZoneInfo("Asia/Shanghai")
_CHECKING = (
    "怎样核验",
    "同一压缩包里有每行的原文和证明(proofs.jsonl)、签名的检查点(checkpoints)和清单(manifest.json)。"
    "执行 dixian verify 压缩包.zip --key 日志公钥:不需要联网,也不需要信任导出方;公钥请另行核对",
)


def columns(kind: Format) -> Mapping[str, str]:
    """Of the table in that format."""
    return SHEET if kind is Format.XLSX else LINES


def shown(kind: Format, row: Row) -> Row:
    """A row as its format shows it."""
    return _worded(row) if kind is Format.XLSX else row


@dataclass(frozen=True)
class Export:
    """What a workbook says of itself: what was asked, and until where it reaches."""

    query: Row
    asked_by: str
    asked_at: datetime
    made_at: datetime
    rows: int
    logs: Signed

    @property
    def book(self) -> Book:
        """The names of its sheets, and the one that explains it."""
        query = self.query
        notes = [
            ("内容", "谁、何时、在哪里、办了什么:与查询页面所示完全一致,一行一条审计记录"),
            ("查询条件", orjson.dumps(query).decode() if query else "没有限制(本人辖区内全部)"),
            ("登记时间范围", f"{query.get('since') or '最早'} 至 {query.get('until') or '导出时'}"),
            ("导出人", self.asked_by),
            ("申请导出", _local(self.asked_at)),
            ("完成导出", _local(self.made_at)),
            ("行数", str(self.rows)),
            ("时间", "均为北京时间(Asia/Shanghai,UTC+8);“查询条件”和“内容(原文)”按原样"),
            ("金额", "“内容(原文)”中的金额单位为分"),
        ]
        for origin, log in self.logs.items():
            notes.append(("检查点", f"{origin}:共{log['size']}条,根 {log['root']}"))
            notes.append(("日志公钥", str(log["vkey"])))
        return Book(sheet="审计记录", notes=[*notes, _CHECKING])


def _worded(row: Row) -> Row:
    return {
        **row,
        "recorded_at": _local(datetime.fromisoformat(row["recorded_at"])),
        "event": label("Event", row["type"]),
        "service": label("Service", row["service"]),
        "roles": _roles(row["actor_roles"]),
        "place": _place(row["region"]),
    }


def _roles(roles: Sequence[str]) -> str:
    return "、".join(label("Role", role) for role in roles)


def _place(code: str) -> str:
    divisions = Divisions.load()
    return divisions.path(code) if code and code != NATION and divisions.exists(code) else ""


def _local(moment: datetime) -> str:
    return f"{moment.astimezone(_ZONE):%Y-%m-%d %H:%M:%S}"


__all__ = ["LINES", "PROVEN", "SHEET", "Export", "columns", "shown"]
