"""Where the year happens and who works there: real divisions, and officers signed in at each.

The province's identity provider is outside of Dixian, so it is played here: tokens are signed with
the key of the installation's own issuer, for as many officers as there are places.
"""

from dataclasses import dataclass, field
from random import Random

from dixian.home import Home
from dixian.issuer import Issuer, IssuerSettings
from dixian.issuer_keys import SigningKey
from dixian.people import PROVINCE, Person
from shared.kernel.clock import SystemClock
from shared.kernel.principal import Role
from shared.policy.divisions import Divisions

VILLAGE_HOUSEHOLDS = 40
"""About as many of a village's households as stand in the register."""
_VILLAGES_OF_A_TOWN = 8
_LETTERS = str.maketrans("0123456789", "abcdefghij")


@dataclass(frozen=True)
class Places:
    """Villages in every city of the province; the same for a seed and a size."""

    villages: tuple[str, ...]
    """Their codes, 12 digits."""

    @classmethod
    def chosen(cls, divisions: Divisions, chance: Random, households: int) -> "Places":
        """As many villages as ``households`` fill, spread evenly over the sixteen cities."""
        cities = [place.code for place in divisions.children(PROVINCE)]
        wanted = max(1, households // VILLAGE_HOUSEHOLDS // len(cities))
        found: list[str] = []
        for city in cities:
            found += _of_city(divisions, chance, city, wanted)
        return cls(tuple(found))

    @property
    def counties(self) -> list[str]:
        """The counties that have a village here."""
        return sorted({village[:6] for village in self.villages})

    @property
    def cities(self) -> list[str]:
        """The cities that have a village here."""
        return sorted({village[:4] for village in self.villages})


def _of_city(divisions: Divisions, chance: Random, city: str, wanted: int) -> list[str]:
    counties = [place.code for place in divisions.children(city)]
    found: list[str] = []
    while len(found) < wanted:
        towns = divisions.children(chance.choice(counties))
        villages = divisions.children(chance.choice(towns).code) if towns else ()
        new = [place.code for place in villages if place.code not in found]
        chance.shuffle(new)
        found += new[: min(_VILLAGES_OF_A_TOWN, wanted - len(found))]
    return found


@dataclass
class Desks:
    """Everybody's token."""

    issuer: Issuer
    _tokens: dict[tuple[Role, str], str] = field(default_factory=dict)

    @classmethod
    def of(cls, home: Home, url: str) -> "Desks":
        """The desks of the installation in ``home``, whose issuer is at ``url``."""
        key = SigningKey.load_or_create(home.keys.directory("issuer") / "key.pem")
        settings = IssuerSettings(url=url, key_file=home.keys.directory("issuer") / "key.pem")
        return cls(Issuer(settings, key, SystemClock().now))

    def token(self, role: Role, division: str) -> str:
        """The token of whoever does this for the division."""
        held = self._tokens.get((role, division))
        if held is None:
            person = Person(name_of(role, division), division, role, division)
            held = self._tokens[role, division] = self.issuer.access_token(person)
        return held


def name_of(role: Role, division: str) -> str:
    """An officer's name as it signs in: a pseudonym, and no number that might be somebody's."""
    return f"{role.value}-{division.translate(_LETTERS)}"
