"""The demo's people, one for every post at every level, and its two machines. Nobody real.

The county is 济南市章丘区 with 垛庄镇 and 蒲秋村 in it; a second village, town, county and city
stand beside them, so that it can be seen how one is kept out of the other's business.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

from shared.kernel.division import NATION
from shared.kernel.ids import named_id
from shared.kernel.principal import Role
from shared.web.machine_keys import MachineKey, credential_of, hash_of

PASSWORD = "demo"  # noqa: S105 - everybody's, in the demo, which has nothing to protect
PROVINCE, CITY, COUNTY = "37", "3701", "370114"
TOWN, VILLAGE = "370114101", "370114101200"
OTHER_VILLAGE, OTHER_TOWN = "370114101203", "370114016"
OTHER_COUNTY, OTHER_CITY = "371721", "3717"


@dataclass(frozen=True)
class Person:
    """Somebody who can sign in to the demo."""

    username: str
    post: str
    """Place and post, as the sign-in page shows them."""
    role: Role
    division: str

    @property
    def subject(self) -> str:
        """The pseudonym in events and logs."""
        return f"person:{self.username}"

    @property
    def signing_seed(self) -> bytes:
        """The private half of the person's signing key: known to everybody, like the password."""
        return sha256(f"dixian demo {self.username} signs".encode()).digest()


PEOPLE = (
    Person("nation-officer", "国家 · 帮扶司经办人", Role.OFFICER, NATION),
    Person("province-officer", "山东省 · 农业农村厅经办人", Role.OFFICER, PROVINCE),
    Person("province-principal", "山东省 · 主要负责同志", Role.PRINCIPAL, PROVINCE),
    Person("city-officer", "济南市 · 农业农村局经办人", Role.OFFICER, CITY),
    Person("city-principal", "济南市 · 主要负责同志", Role.PRINCIPAL, CITY),
    Person("county-officer", "章丘区 · 农业农村局经办人", Role.OFFICER, COUNTY),
    Person("county-committee", "章丘区 · 区委农业农村委员会委员", Role.COMMITTEE, COUNTY),
    Person("county-delegate", "章丘区 · 区委农业农村委员会授权人", Role.COMMITTEE, COUNTY),
    Person("medical-officer", "章丘区 · 医疗保障局经办人", Role.DEPARTMENT, COUNTY),
    Person("civil-affairs-officer", "章丘区 · 民政局经办人", Role.DEPARTMENT, COUNTY),
    Person("town-officer", "章丘区垛庄镇 · 乡村振兴办公室", Role.OFFICER, TOWN),
    Person("village-officer", "垛庄镇蒲秋村 · 村干部", Role.OFFICER, VILLAGE),
    Person("other-village-officer", "垛庄镇石匣村 · 村干部", Role.OFFICER, OTHER_VILLAGE),
    Person("other-town-officer", "章丘区刁镇街道 · 乡村振兴办公室", Role.OFFICER, OTHER_TOWN),
    Person("other-county-officer", "菏泽市曹县 · 农业农村局经办人", Role.OFFICER, OTHER_COUNTY),
    Person("other-county-committee", "曹县 · 县委农业农村委员会", Role.COMMITTEE, OTHER_COUNTY),
    Person("other-city-officer", "菏泽市 · 农业农村局经办人", Role.OFFICER, OTHER_CITY),
    Person("inspector", "山东省 · 监督检查人员(审计)", Role.INSPECTOR, PROVINCE),
    Person("operator", "山东省 · 系统运维人员", Role.OPERATOR, PROVINCE),
    Person("administrator", "山东省 · 系统管理人员", Role.ADMINISTRATOR, PROVINCE),
)


def person(username: str) -> Person | None:
    """The person of that name, if there is one."""
    return next((known for known in PEOPLE if known.username == username), None)


@dataclass(frozen=True)
class Machine:
    """A system that posts to the demo."""

    name: str
    label: str
    role: Role
    division: str
    feeds: frozenset[str]

    @property
    def machine_id(self) -> UUID:
        """Its id, the same in every demo."""
        return named_id("machine", "demo", self.name)

    @property
    def credential(self) -> str:
        """Its key: always the same, known to everybody, worth nothing outside the demo."""
        return credential_of(self._id, self._secret)

    @property
    def key(self) -> MachineKey:
        """What the database keeps of it."""
        return MachineKey(
            id=self._id,
            machine_id=str(self.machine_id),
            label=self.label,
            secret_hash=hash_of(self._secret),
            roles=frozenset({self.role}),
            division=self.division,
            feeds=self.feeds,
            issued_by="system:demo",
            created_at=datetime(2023, 7, 30, tzinfo=UTC),
        )

    @property
    def _id(self) -> str:
        return _derived(self.name, "id")[:16]

    @property
    def _secret(self) -> str:
        return _derived(self.name, "secret")


MACHINES = (
    Machine("hotline", "12317(12345)热线平台", Role.HOTLINE, PROVINCE, frozenset()),
    Machine(
        "medical-insurance",
        "山东省医疗保障局结算系统",
        Role.FEED,
        PROVINCE,
        frozenset({"medical-insurance"}),
    ),
)


def machine(name: str) -> Machine:
    """The machine of that name. Raises ``StopIteration`` for a name that is not in the list."""
    return next(known for known in MACHINES if known.name == name)


def _derived(name: str, part: str) -> str:
    return sha256(f"dixian demo {name} {part}".encode()).hexdigest()
