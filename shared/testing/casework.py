"""A service of casework over HTTP, with its people and a calendar that the tests turn."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import count
from typing import Any
from uuid import UUID

import httpx

from shared.contracts.alerts import RiskReported
from shared.contracts.values import LeadSource, Risk
from shared.kernel.clock import SHANGHAI
from shared.kernel.event import Cause, Event, Metadata, Recorded
from shared.kernel.ids import new_id
from shared.kernel.principal import Role
from shared.store.application import Application
from shared.store.database import Database
from shared.testing.access import acting
from shared.vault.documents import check_character

COUNTY, TOWN, VILLAGE = "370114", "370114101", "370114101200"
OTHER_COUNTY = "371721"
PHOTO = "a" * 64

PEOPLE = {
    "province": acting(Role.OFFICER, "37", "province"),
    "city": acting(Role.OFFICER, "3701", "city"),
    "county": acting(Role.OFFICER, COUNTY, "county"),
    "committee": acting(Role.COMMITTEE, COUNTY, "committee"),
    "town": acting(Role.OFFICER, TOWN, "town"),
    "village": acting(Role.OFFICER, VILLAGE, "village"),
    "other-county": acting(Role.OFFICER, OTHER_COUNTY, "other-county"),
    "inspector": acting(Role.INSPECTOR, "37", "inspector"),
}


@dataclass
class World:
    """One running service, its people, and the day it is."""

    client: httpx.AsyncClient
    application: Application
    reactions: Mapping[type[Event], Any]

    @property
    def database(self) -> Database:
        """The service's."""
        return self.application.database

    async def day(self, day: str) -> None:
        """Turn the calendar to noon of ``day`` in Shandong."""
        noon = datetime.combine(date.fromisoformat(day), time(12), SHANGHAI)
        await self.database.move_clock(noon - datetime.now(SHANGHAI))

    async def post(
        self, who: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """Whatever the service answers."""
        return await self.client.post(
            path, json=body or {}, headers={**PEOPLE[who], **(headers or {})}
        )

    async def does(self, who: str, path: str, **body: Any) -> dict[str, Any]:
        """An act that must succeed; its receipt."""
        answer = await self.post(who, path, body)
        assert answer.status_code in {200, 201}, answer.text
        receipt: dict[str, Any] = answer.json()
        return receipt

    async def refused(self, who: str, path: str, rule: str, code: str, **body: Any) -> None:
        """An act that must be refused, by this rule with this code."""
        answer = await self.post(who, path, body)
        problem = answer.json()
        assert answer.status_code in {403, 404, 409, 422}, problem
        assert (problem.get("rule", ""), problem["code"]) == (rule, code), problem

    async def get(self, who: str, path: str, **query: Any) -> Any:
        """A query that must be answered; its JSON."""
        answer = await self.client.get(path, params=query, headers=PEOPLE[who])
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def hears(self, event: Event, *, key: UUID, on: str) -> None:
        """A neighbour's event comes over the bus."""
        recorded = Recorded(
            event_id=new_id(),
            stream_id=new_id(),
            category="lead",
            version=1,
            key=key,
            region=VILLAGE,
            occurred_on=date.fromisoformat(on),
            recorded_at=datetime.now(SHANGHAI),
            event=event,
            metadata=Metadata("system:alerts", "CN", ("system",), new_id(), new_id()),
        )
        cause = Cause(new_id(), recorded.event_id)
        async with self.database.transaction() as tx:
            await self.reactions[type(event)](tx, recorded, cause)

    async def lead(
        self,
        household_id: str,
        on: str,
        *,
        source: LeadSource = LeadSource.HOTLINE,
        risks: tuple[Risk, ...] = (Risk.ILLNESS,),
        lead_id: UUID | None = None,
    ) -> None:
        """A risk was reported about a household."""
        event = RiskReported(
            lead_id=lead_id or new_id(),
            source=source,
            discovered_on=date.fromisoformat(on),
            division=VILLAGE,
            household_id=UUID(household_id),
            risks=risks,
        )
        await self.hears(event, key=UUID(household_id), on=on)

    async def opened(self, household_id: str, on: str, **lead: Any) -> str:
        """A lead, and the id of the case it opened."""
        await self.lead(household_id, on, **lead)
        shown = await self.get("county", f"/households/{household_id}")
        case_id: str = shown["cases"][0]["id"]
        return case_id


_serial = count(100)


def document() -> str:
    """A document number that is valid and nobody's."""
    number = next(_serial)
    body = f"370181{1950 + number // 1000:04}0101{number % 1000:03}"
    return body + check_character(body)


def person(relation: str = "HEAD", labour: str = "ORDINARY", **more: Any) -> dict[str, Any]:
    """A member as the register takes one."""
    return {
        "name": "某某人",
        "document_number": document(),
        "relation": relation,
        "labour": labour,
        **more,
    }


def household(*members: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A registration's body."""
    return {
        "division": VILLAGE,
        "hukou_place": VILLAGE,
        "residence": VILLAGE,
        "history": "ORDINARY",
        "address": "山东省济南市章丘区垛庄镇蒲秋村1号",
        "phone": "13800001234",
        "members": list(members) or [person()],
        **more,
    }


POLICY = {
    "version": "37/2023-1",
    "document": "鲁农发〔2023〕1号",
    "division": "37",
    "effective_from": "2023-01-01",
    "parameters": {
        "monitoring_line": {"2023": 800_000},
        "former_poverty_standard": 400_000,
        "county_rural_mean": {COUNTY: 2_200_000},
    },
}
