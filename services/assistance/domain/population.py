"""The rural registered population of a town's villages, imported yearly (R110)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.assistance.domain import commands as c
from shared.contracts.assistance import PopulationRecorded
from shared.kernel.decider import Aggregate, Context
from shared.kernel.division import Level, level_of, within
from shared.kernel.event import Command, Event
from shared.kernel.ids import named_id
from shared.kernel.refusal import Invalid
from shared.policy.rules import rule

Villages = Mapping[str, int]
"""People by village."""


@dataclass(frozen=True)
class Population:
    """One town's figures by year."""

    town: str = ""
    years: Mapping[int, Villages] = field(default_factory=dict)


@rule("R110")
def decide(state: Population, command: Command, context: Context) -> list[Event]:
    """Record a year's figures; a second file of the same year adds to and corrects the first."""
    assert isinstance(command, c.RecordPopulation)
    if command.year > context.today.year:
        raise Invalid(
            "R110",
            code="year-not-begun",
            zh=f"{command.year}年尚未开始",
            en=f"the year {command.year} has not begun",
            field="year",
        )
    for number, item in enumerate(command.villages):
        if level_of(item.division) is not Level.VILLAGE or not within(item.division, command.town):
            raise Invalid(
                "R110",
                code="not-a-village-of-the-town",
                zh="该区划不是本镇的村",
                en="not a village of that town",
                field=f"villages[{number}].division",
            )
    known = state.years.get(command.year, {})
    new = tuple(item for item in command.villages if known.get(item.division) != item.people)
    if not new:
        return []
    return [PopulationRecorded(town=command.town, year=command.year, villages=new)]


def evolve(state: Population, event: Event) -> Population:
    """Fold one recorded event."""
    if not isinstance(event, PopulationRecorded):
        return state
    year = dict(state.years.get(event.year, {}))
    year.update({item.division: item.people for item in event.villages})
    return Population(event.town, {**state.years, event.year: year})


POPULATION: Aggregate[Population] = Aggregate(
    name="population",
    label=("人口数", "population"),
    initial=Population(),
    evolve=evolve,
    decide=decide,
    divisions=lambda state: (state.town,),
    key=lambda state: named_id("town", state.town),
)
