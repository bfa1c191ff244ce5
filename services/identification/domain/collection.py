"""What officers bring in on the collection form: members, income, claims, expenses, coping.

Some choices are here only so that choosing them is refused with its rule and not with a shrug: the
three medical covers as a claim (R37), non-essential expenses (R40).
"""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from shared.contracts.assessment import CopingMeans, IncomeKind
from shared.contracts.values import Benefit, Hukou, Labour, Sha256
from shared.kernel.division import DivisionCode
from shared.kernel.document_number import NoDocumentNumber
from shared.kernel.money import FenAmount

FreeText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
"""What a person writes: kept in the vault."""
Reference = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9A-Za-z一-鿿〔〕()()\[\]./_-]{1,64}$"),
    NoDocumentNumber,
]
"""A document's, notice's or receipt's number."""


def _pseudonym(account: str) -> str:
    return account if ":" in account else f"person:{account}"


Officer = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9A-Za-z:._-]{1,128}$"),
    NoDocumentNumber,
    AfterValidator(_pseudonym),
]
"""A person's pseudonym, as tokens carry it; an account without its ``person:`` is that person."""
Private = Annotated[str, StringConstraints(pattern=r"^[0-9+-]{7,20}$")]
"""A household's own phone."""
Phone = Annotated[str, StringConstraints(pattern=r"^(0\d{2,3}-\d{7,8}|12317|12345)$")]
"""An office's phone: a landline or a hotline, never a private mobile (R65)."""
Count = Annotated[int, Field(ge=0, le=100_000)]
Evidence = Annotated[tuple[Sha256, ...], Field(max_length=20)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
DocumentNumber = Annotated[
    str, StringConstraints(strip_whitespace=True, to_upper=True, pattern=r"^[0-9A-Za-z]{6,22}$")
]
"""18, 20 or 22 characters: a disability certificate appends to the identity number."""


class Given(BaseModel):
    """Base: frozen, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Relation(StrEnum):
    """To the head of the household."""

    HEAD = "HEAD"
    SPOUSE = "SPOUSE"
    CHILD = "CHILD"
    PARENT = "PARENT"
    GRANDCHILD = "GRANDCHILD"
    CHILD_IN_LAW = "CHILD_IN_LAW"
    SIBLING = "SIBLING"
    GRANDPARENT = "GRANDPARENT"
    OTHER = "OTHER"


class ResidenceReason(StrEnum):
    """Why the place of residence leads instead of the hukou place (R25)."""

    SETTLED_AWAY = "SETTLED_AWAY"
    """长期定居外地"""
    NO_HOME_AT_HUKOU = "NO_HOME_AT_HUKOU"
    """户籍地无住房"""
    CARE_AT_RESIDENCE = "CARE_AT_RESIDENCE"
    """在常住地就医、就学或由亲属照料"""
    OTHER = "OTHER"


class Political(StrEnum):
    """The person's party (政治面貌)."""

    PARTY_MEMBER = "PARTY_MEMBER"
    LEAGUE_MEMBER = "LEAGUE_MEMBER"
    OTHER_PARTY = "OTHER_PARTY"
    NONE = "NONE"


class Education(StrEnum):
    """The schooling completed (文化程度)."""

    ILLITERATE = "ILLITERATE"
    PRIMARY = "PRIMARY"
    JUNIOR = "JUNIOR"
    SENIOR = "SENIOR"
    COLLEGE = "COLLEGE"
    UNIVERSITY = "UNIVERSITY"


class AtSchool(StrEnum):
    """The school attended now (在校生状况)."""

    NONE = "NONE"
    PRESCHOOL = "PRESCHOOL"
    PRIMARY = "PRIMARY"
    JUNIOR = "JUNIOR"
    SENIOR = "SENIOR"
    VOCATIONAL = "VOCATIONAL"
    HIGHER = "HIGHER"
    DROPPED_OUT = "DROPPED_OUT"


class Health(StrEnum):
    """The state of health (健康状况)."""

    HEALTHY = "HEALTHY"
    CHRONIC = "CHRONIC"
    SERIOUS = "SERIOUS"
    DISABLED = "DISABLED"


class Insurance(StrEnum):
    """What a person is insured by (参保情况)."""

    RESIDENT_MEDICAL = "RESIDENT_MEDICAL"
    EMPLOYEE_MEDICAL = "EMPLOYEE_MEDICAL"
    CRITICAL_ILLNESS = "CRITICAL_ILLNESS"
    RESIDENT_PENSION = "RESIDENT_PENSION"
    EMPLOYEE_PENSION = "EMPLOYEE_PENSION"


class Details(Given):
    """What else the collection form asks about a person: all of it for the vault.

    Sex and date of birth are not asked: the document number says them.
    """

    ethnicity: Name | None = None
    political: Political | None = None
    education: Education | None = None
    at_school: AtSchool | None = None
    health: Health | None = None
    workplace: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""
    months_worked: Annotated[int, Field(ge=0, le=12)] | None = None
    """In the twelve months of the accounts."""
    insurances: tuple[Insurance, ...] = ()
    relocated: bool = False


class PersonGiven(Given):
    """A member with the person's own data, on the way to the vault."""

    name: Name
    document_number: DocumentNumber
    relation: Relation
    labour: Labour
    hukou: Hukou = Hukou.RURAL
    hukou_place: DivisionCode | None = None
    co_living: bool = True
    benefits: tuple[Benefit, ...] = ()
    details: Details | None = None


class DetailsOf(Given):
    """A member's further particulars, as they are now."""

    member_id: UUID
    details: Details


class Related(Given):
    """A member, and the relation to the head of the household that the member comes to."""

    member_id: UUID
    relation: Relation


class VerifiedMember(Given):
    """A member as found at home, where that differs from the register (R22, R23)."""

    member_id: UUID
    labour: Labour
    hukou: Hukou
    co_living: bool = True
    benefits: tuple[Benefit, ...] = ()


class GivenIncome(Given):
    """One item of income or operating cost, 分 in the period (R35)."""

    kind: IncomeKind
    amount: FenAmount
    member_id: UUID | None = None


class ClaimSource(StrEnum):
    """Where money for a claim came from; the last three are refused (R37)."""

    COMMERCIAL_INSURANCE = "COMMERCIAL_INSURANCE"
    THIRD_PARTY = "THIRD_PARTY"
    BASIC_INSURANCE = "BASIC_INSURANCE"
    """基本医保"""
    CRITICAL_ILLNESS = "CRITICAL_ILLNESS"
    """大病保险"""
    MEDICAL_AID = "MEDICAL_AID"
    """医疗救助"""


class GivenClaim(Given):
    """One claim paid, 分."""

    source: ClaimSource
    amount: FenAmount


class ExpenseType(StrEnum):
    """What money was spent on; the last three do not count and are refused (R40)."""

    MEDICAL = "MEDICAL"
    TUITION = "TUITION"
    BOARD = "BOARD"
    DISASTER = "DISASTER"
    ACCIDENT = "ACCIDENT"
    NON_ESSENTIAL_MEDICAL = "NON_ESSENTIAL_MEDICAL"
    NON_ESSENTIAL_EDUCATION = "NON_ESSENTIAL_EDUCATION"
    OTHER_NON_ESSENTIAL = "OTHER_NON_ESSENTIAL"


class ExpenseItem(Given):
    """One expense, 分: a medical one by its bill and covers (R38), any other by its amount."""

    type: ExpenseType
    amount: FenAmount | None = None
    """Of anything but a medical item, whose amount is computed."""
    bill: FenAmount | None = None
    basic_insurance: FenAmount | None = None
    critical_illness: FenAmount | None = None
    medical_aid: FenAmount | None = None
    evidence: Evidence = ()


class Coping(Given):
    """Whether the household can help itself, by what, and how one knows (R14, R32)."""

    can_cope: bool
    means: tuple[CopingMeans, ...] = ()
    evidence: Evidence = ()


class DeclineReason(StrEnum):
    """Why a household is not identified. Some are offered only to be refused, by their rule."""

    BELOW_LINE_STABLE = "BELOW_LINE_STABLE"
    """低于监测线但收入稳定且无风险 (R30)"""
    ABOVE_LINE_NO_HARDSHIP = "ABOVE_LINE_NO_HARDSHIP"
    CAN_COPE = "CAN_COPE"
    """可依靠自身能力解决 (R32)"""
    OUT_OF_SCOPE = "OUT_OF_SCOPE"
    URBAN_HUKOU = "URBAN_HUKOU"
    DELIBERATED_AGAINST = "DELIBERATED_AGAINST"
    """经研判评议不识别"""
    HAS_DIBAO = "HAS_DIBAO"
    """Refused: R43"""
    NO_PLACES_LEFT = "NO_PLACES_LEFT"
    """Refused: R27"""
