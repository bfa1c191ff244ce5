"""How a simulated county acts: over HTTP, or by the same doors' commands without the network."""

import re
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import pytest

from services.assistance.http import DOORS
from shared.kernel.event import Cause
from shared.kernel.ids import new_id
from shared.kernel.refusal import Refusal
from tests.integration.assistance.conftest import PEOPLE, Office

Receipt = dict[str, Any]


class Hands(Protocol):
    """What the stories do with."""

    office: Office

    async def does(self, who: str, path: str, body: Any = None) -> Receipt:
        """An act that must succeed."""

    async def refused(self, who: str, path: str, body: Any = None, *, rule: str) -> None:
        """An act that a rule must refuse."""


@dataclass
class ByHttp:
    """Every act is a request at the door."""

    office: Office

    async def does(self, who: str, path: str, body: Any = None) -> Receipt:
        return await self.office.does(who, path, body)

    async def refused(self, who: str, path: str, body: Any = None, *, rule: str) -> None:
        answer = await self.office.post(who, path, body)
        assert answer.status_code in {409, 422}, answer.text
        assert answer.json()["rule"] == rule, answer.text


@dataclass
class ByCommand:
    """Every act is the command that the door at that path would make, executed at once."""

    office: Office

    async def does(self, who: str, path: str, body: Any = None) -> Receipt:
        for pattern, door in _ROUTES:
            if found := pattern.fullmatch(path):
                ids = {name: UUID(value) for name, value in found.groupdict().items()}
                command = door.command.model_validate({**(body or {}), **ids})
                cause = Cause(correlation_id=new_id(), causation_id=new_id())
                receipt = await self.office.app.execute(command, PEOPLE[who], cause)
                refusal = door.refusal(receipt)
                if refusal is not None:
                    raise refusal
                return receipt.body
        raise AssertionError(f"no door at {path}")

    async def refused(self, who: str, path: str, body: Any = None, *, rule: str) -> None:
        with pytest.raises(Refusal) as refused:
            await self.does(who, path, body)
        assert refused.value.rule == rule, refused.value


def _pattern(path: str) -> "re.Pattern[str]":
    return re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[0-9a-f-]+)", path))


_ROUTES = [(_pattern(door.path), door) for door in DOORS]
