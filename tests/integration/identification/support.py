"""The steps of a case over HTTP, each as it should be."""

from typing import Any

from shared.testing.casework import PHOTO, World

NO_GAPS = dict.fromkeys(["COMPULSORY_EDUCATION", "BASIC_MEDICAL", "HOUSING", "SAFE_WATER"], False)
NO_TROUBLE = dict.fromkeys(["MEDICAL_CARE", "SCHOOLING", "EMPLOYMENT", "INDUSTRY"], False)


def income(kind: str, yuan: int) -> dict[str, Any]:
    return {"kind": kind, "amount": yuan * 100}


def bill(total: int, covered: int) -> dict[str, Any]:
    """A medical expense in 元; the covers together."""
    return {
        "type": "MEDICAL",
        "bill": total * 100,
        "basic_insurance": covered * 100,
        "critical_illness": 0,
        "medical_aid": 0,
    }


def findings(signer: str, **found: Any) -> dict[str, Any]:
    """A verification's body, of a household in which nothing is wrong."""
    return {
        "form_version": "2023-1",
        "signer_id": signer,
        "incomes": [],
        "expenses": [],
        "gaps": NO_GAPS,
        "watch": NO_TROUBLE,
        "income_stable": True,
        "coping": {"can_cope": True, "means": ["SAVINGS"]},
        **found,
    }


async def register(world: World, who: str = "village", **body: Any) -> tuple[str, list[str]]:
    """A household and its members, the head first."""
    receipt = await world.does(who, "/households", **body)
    event = receipt["events"][0]["data"]
    return receipt["id"], [member["member_id"] for member in event["members"]]


async def named(world: World, case: str) -> None:
    await world.does(
        "town",
        f"/cases/{case}/officers",
        village_officer="person:village",
        town_officer="person:town",
    )


async def authorized(world: World, case: str, signer: str) -> None:
    await world.does(
        "village",
        f"/cases/{case}/authorization",
        signer_id=signer,
        scope=["BANK", "VEHICLE", "PROPERTY"],
        evidence=[PHOTO],
    )


async def compared(world: World, case: str) -> None:
    await world.does("county", f"/cases/{case}/comparison", results=[{"source": "CIVIL_AFFAIRS"}])


def meeting(conclusion: str, category: str | None = None) -> dict[str, Any]:
    votes = (30, 2) if conclusion == "IDENTIFY" else (2, 30)
    return {
        "form": "REPRESENTATIVES",
        "due": 40,
        "present": 33,
        "recused": 1,
        "in_favour": votes[0],
        "against": votes[1],
        "conclusion": conclusion,
        "category": category,
        "minutes": "会议记录",
    }


NOTICE = {"number": "蒲秋村公示2023-1", "objection_phone": "0531-83210000", "evidence": [PHOTO]}
COMMITTEE = {
    "authority": "COMMITTEE",
    "document": "章农委〔2023〕8号",
    "valid_from": "2023-01-01",
    "valid_until": "2023-12-31",
}


async def reviewed(world: World, case: str, signer: str) -> None:
    """From the first step to the town's review, on its proper days."""
    await named(world, case)
    await authorized(world, case, signer)
    await world.day("2023-08-03")
    await world.does(
        "village",
        f"/cases/{case}/verification",
        **findings(
            signer,
            incomes=[income("WAGE", 5_000)],
            hardship=True,
            risks=["ILLNESS"],
            coping={"can_cope": False},
        ),
    )
    await compared(world, case)
    act = meeting("IDENTIFY", "MARGINAL_AT_RISK")
    await world.does("village", f"/cases/{case}/deliberation", **act)
    await world.does("town", f"/cases/{case}/town-review", passed=True)


async def identified(world: World, case: str, signer: str) -> dict[str, Any]:
    """From the first step to the approval, on its proper days; the approval's receipt."""
    await reviewed(world, case, signer)
    await world.does("village", f"/cases/{case}/notice", **NOTICE)
    await world.day("2023-08-09")
    await world.does("village", f"/cases/{case}/notice/close")
    return await world.does(
        "committee", f"/cases/{case}/approval", category="MARGINAL_AT_RISK", **COMMITTEE
    )
