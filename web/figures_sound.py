"""Whether the log can be right: requests in hand against how many leave, and how long they take."""

from collections.abc import Mapping
from dataclasses import dataclass

from documents.words import mark
from throughput.little import Cause, Little
from web.figures_parts import Maker, Section
from web.figures_tables import Cell, Count, Number, Share, Table, Words

NAME = "sound"
FEW = 2
"""So many groups that do not hold are told of one by one before all else."""
_ABOUT = mark(
    "Requests in hand must be as many as leave in a day times the days that they were there (Little's law),"
    " as long as about as many are in hand at the end as at the beginning. It is checked over the whole weeks"
    " of these months, with all that was in hand then, whenever it was asked for. Where that is off by more"
    " than 10% and more than chance does, ends are missing or clocks are wrong: find out which before you"
    " rely on the other figures."
)
_DOUBT = mark("“{group}”: look again before you rely on these figures. {causes}.")
_DOUBT_ALL = mark("Look again before you rely on these figures. {causes}.")
_DOUBT_MANY = mark(
    "Look again before you rely on these figures: of {count} groups what is in hand does not fit what leaves."
)
_SOUND = mark("Nothing speaks against the log.")
_UNSTEADY = mark(
    "“{group}”: whether the log can be right is not told, as {last} were in hand at the end and {first} at"
    " the beginning."
)
_UNSTEADY_ALL = mark(
    "Whether the log can be right is not told, as {last} were in hand at the end and {first} at the"
    " beginning."
)
_UNTOLD = mark("Too few have left, or too few weeks are over, to tell whether the log can be right.")
_CAUSES: Mapping[Cause, str] = {
    Cause.MISSING_ENDS: mark(
        "Some are in hand for longer than any took that left: their ends are missing, or nobody deals with"
        " them"
    ),
    Cause.FILLING: mark("Many more are in hand at the end than at the beginning"),
    Cause.EMPTYING: mark("Many fewer are in hand at the end than at the beginning"),
    Cause.CLOCKS: mark("Some left before they came, or in days that are yet to come: look at the clocks"),
    Cause.UNKNOWN: mark("What is behind it is not known"),
}


@dataclass(frozen=True)
class SoundParts(Maker):
    """Made for who may know how many requests there are."""

    def all(self) -> list[Section]:
        """The one section; none where there is nothing to check."""
        return [self._section()] if self.counted and self.told.little else []

    def doubts(self) -> list[str]:
        """What speaks against the log, in short: what makes all other figures doubtful."""
        found = self._doubts()
        return (
            found
            if len(found) <= FEW
            else [self.say(_DOUBT_MANY).format(count=self.wording.count(len(found)))]
        )

    def _doubts(self) -> list[str]:
        """A sentence a group."""
        return [self._doubt(one) for one in self.told.little if self.counted and not one.sound]

    def _verdicts(self) -> list[str]:
        """What speaks against the log, of which groups that can't be told, or that nothing does."""
        checked = self.told.little
        said = self._doubts() + [self._not_steady(one) for one in checked if one.sound and not one.steady]
        if said:
            return said
        return [self.say(_SOUND if any(one.told for one in checked) else _UNTOLD)]

    def _not_steady(self, one: Little) -> str:
        counts = {"first": one.in_hand_first, "last": one.in_hand_last}
        ends = {name: Count(n).written(self.wording) for name, n in counts.items()}
        if len(self.told.little) == 1:
            return self.say(_UNSTEADY_ALL).format(**ends)
        return self.say(_UNSTEADY).format(group=self._group(one), **ends)

    def _doubt(self, one: Little) -> str:
        causes = ". ".join(self.say(_CAUSES[cause]) for cause in one.causes)
        if len(self.told.little) == 1:
            return self.say(_DOUBT_ALL).format(causes=causes)
        return self.say(_DOUBT).format(group=self._group(one), causes=causes)

    def _section(self) -> Section:
        say = self.say
        columns = [
            ("group", say(mark("Which"))),
            ("days", say(mark("Days"))),
            ("came", say(mark("Asked for"))),
            ("left", say(mark("Delivered or ended"))),
            ("first", say(mark("In hand at the beginning"))),
            ("last", say(mark("At the end"))),
            ("in_hand", say(mark("On average"))),
            ("rate_times_lead", say(mark("Should be"))),
            ("off_by", say(mark("Off by"))),
            ("within", say(mark("Chance or 10%"))),
        ]
        table = Table(
            NAME,
            say(mark("Requests in hand, and what they should be")),
            columns,
            [self._row(one) for one in self.told.little],
        )
        title = say(mark("Can the log be right?"))
        return Section(NAME, title, [*self._verdicts(), say(_ABOUT)], None, [table])

    def _row(self, one: Little) -> list[Cell]:
        return [
            Words(self._group(one)),
            Number(one.days),
            Count(one.arrived),
            Count(one.ended),
            *(Count(one.in_hand_first), Count(one.in_hand_last)),
            *(_amount(one.in_hand), _amount(one.rate_times_lead)),
            *(Share(one.misses_by), Share(one.tolerance)),
        ]

    def _group(self, one: Little) -> str:
        return self.say(mark("All together")) if self.told.by == "month" else self.names.group(one.variant)


def _amount(value: float | None) -> Cell:
    return Share(None) if value is None else Number(value, 1)
