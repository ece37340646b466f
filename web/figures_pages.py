"""Figures of requests, for those who look after the office: how long they take, what differs, what piles up.

Administrators and auditors see those of their units; whoever is neither is told the same as of an address
that there is not.
"""

from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from time import perf_counter
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from documents.words import mark
from languages import WRITING
from throughput.contrasts import OTHERS
from throughput.errors import TimingsOfNewer
from throughput.grouped import DIGITS, By, definition_name
from throughput.kept import AT_ONCE, Keeper, behind
from throughput.origins import with_column
from throughput.overview import Overview
from throughput.reporting.words import report_words
from throughput.scope import Scope
from throughput.told import Told, told
from web.asked import Asked
from web.choices import short_title
from web.csv_answer import csv_answer
from web.figures_asked import BYS, Wanted, months_until, text_of
from web.figures_beside import Beside
from web.figures_in_hand import OLDEST, InHandParts
from web.figures_known import require_known
from web.figures_next import NextParts, Step
from web.figures_parts import Names, Section, Translate
from web.figures_reach import Reading, listed_unit, reading
from web.figures_sound import SoundParts
from web.figures_steady import SteadyParts
from web.figures_tables import Table
from web.figures_times import TimesParts
from web.figures_wording import wording
from web.languages import translations
from web.overseeing import Overseeing
from web.rates import Rate
from workflow import staff
from workflow.listing import RequestFilter
from workflow.staff import Reach
from workflow.words import ProcessWords, process_words

FRESH: Final = timedelta(minutes=1)
TIMES: Final = 20
"""What took long to read is held for so many times as long, if that is more: those who look cost no more."""
KEPT: Final = 64
"""So many sets of figures are held for whoever asks for the same again."""
HELD: Final = 6_000_000
"""Of so many requests at most together: the lengths of a million take some 70 MB."""
TABLES: Final = Rate("figures", 120, 600.0)
READS: Final = Rate("figures-read", 60, 600.0)
"""Of figures that are not held."""
_NO_UNIT = mark("No unit")
_ALL_OTHERS = mark("All others")


@dataclass
class Recent:
    """Figures that were read of late: with every set stands when it was."""

    _kept: OrderedDict[tuple[Scope, By], tuple[Told, timedelta]] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def find(self, scope: Scope, by: By, now: datetime) -> Told | None:
        """What was read of late."""
        with self._lock:
            found, fresh = self._kept.get((scope, by), (None, FRESH))
        return found if found is not None and timedelta(0) <= now - found.made_at < fresh else None

    def keep(self, scope: Scope, by: By, found: Told, *, took: timedelta) -> None:
        """Hold it, and forget what was read longest ago."""
        with self._lock:
            self._kept[scope, by] = found, max(FRESH, TIMES * took)
            self._kept.move_to_end((scope, by))
            while len(self._kept) > KEPT or (len(self._kept) > 1 and self._requests > HELD):
                self._kept.popitem(last=False)

    @property
    def _requests(self) -> int:
        return sum(found.whole.came + len(found.in_hand) for found, _ in self._kept.values())


@dataclass(frozen=True)
class Choices:
    """What can be chosen in the form: each as what stands in the address, and its words."""

    kinds: Sequence[tuple[str, str]]
    variants: Sequence[tuple[str, str]]
    units: Sequence[tuple[str, str]]
    definitions: Sequence[tuple[str, str]]
    months: Sequence[tuple[str, str]]
    bys: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class _Shown:
    """The figures for one reader."""

    told: Told
    beside: Beside
    doubts: Sequence[str]
    steps: Sequence[Step]
    sections: Sequence[Section]
    reading: Reading


@dataclass(frozen=True)
class FiguresPages(Overseeing):
    """The pages under /figures."""

    recent: Recent = field(default_factory=Recent)

    def routes(self) -> list[Route]:
        """Their addresses."""
        return [self.door.get("/figures", self._page), self.door.get("/figures/{name}.csv", self._csv)]

    def _page(self, asked: Asked) -> Response:
        reach, now = self.reach(asked), self.door.office.clock()
        wanted = self._wanted(asked, reach, now)
        shown = self._shown(asked, wanted, reach, now)
        choices = self._choices(asked, shown, reach, now)
        return self.answer(
            asked,
            "figures.html",
            wanted=shown.reading.wanted,
            about=self._about(asked, shown, choices, reach),
            counted=shown.reading.counted,
            months=[_month(text_of(one), asked.language) for one in shown.reading.scope.months or ()],
            told=shown.told,
            verdicts=shown.beside.verdicts(),
            doubts=shown.doubts,
            steps=shown.steps,
            sections=shown.sections,
            wording=shown.beside.wording,
            choices=choices,
            measured=self.door.past() is None,
            narrowed=wanted != Wanted.of_nothing(now),
        )

    def _about(self, asked: Asked, shown: _Shown, choices: Choices, reach: Reach) -> str:
        """Of which requests they are: on paper, where there is no form, nothing else says so."""
        wanted, offered = shown.reading.wanted, [one for one, _ in choices.months]
        first, last = wanted.first or offered[-1], wanted.last or offered[0]
        period = [_month(one, asked.language) for one in dict.fromkeys((first, last))]
        parts = [
            self._kind(asked, shown.told.scope.key or ""),
            wanted.unit or ("" if reach.everywhere else ", ".join(sorted(reach.units))),
            dict(choices.variants).get(wanted.variant, wanted.variant),
            dict(choices.definitions).get(wanted.definition, wanted.definition[:DIGITS]),
            " – ".join(period) if shown.reading.counted else "",
        ]
        return " · ".join(part for part in parts if part)

    def _csv(self, asked: Asked) -> Response:
        """One of the page's tables, with plain numbers."""
        reach, now = self.reach(asked), self.door.office.clock()
        shown = self._shown(asked, self._wanted(asked, reach, now), reach, now)
        tables = [table for section in shown.sections for table in section.tables]
        table = next((one for one in tables if one.name == asked.request.path_params["name"]), None)
        if table is None:
            raise HTTPException(404)
        self.door.rates.require(asked.request, TABLES)
        name = self.door.past.named(f"figures-{table.name}-{now:%Y-%m-%d}.csv")
        head, *lines = with_column(_plain(table), self.door.past())
        return csv_answer(name, head, lines)

    def _wanted(self, asked: Asked, reach: Reach, now: datetime) -> Wanted:
        """What the address asks for. Raises Unreadable, and HTTPException 404 for what there is not, for who
        asks."""
        wanted = Wanted.of(asked, now)
        require_known(
            self.door.office,
            asked.me.id,
            reach,
            key=wanted.key,
            variant=wanted.variant,
            unit=wanted.unit,
            definition=wanted.definition,
        )
        return wanted

    def _shown(self, asked: Asked, wanted: Wanted, reach: Reach, now: datetime) -> _Shown:
        read = reading(self.door.office, asked.me.id, reach, wanted)
        found = read.of(self._told(asked, read.scope, wanted.by, now))
        say, said = translations(asked.language).gettext, wording(asked.language)
        names = self._names(asked, found.scope.key or "", wanted.by, say)
        words = report_words(asked.language).of_past(self.door.past())
        made = (found, names, said, say, read.counted, words)
        beside = Beside(*made)
        listed = listed_unit(self.door.office, asked.me.id, reach, read.scope)
        in_hand = InHandParts(*made, seen=self._seen(asked, found), listed_unit=listed)
        sections = [*beside.all(), *in_hand.all(), *TimesParts(*made).all(), *SteadyParts(*made).all()]
        sound = SoundParts(*made)
        sections += sound.all()
        return _Shown(found, beside, sound.doubts(), NextParts(*made).all(), sections, read)

    def _told(self, asked: Asked, scope: Scope, by: By, now: datetime) -> Told:
        found = self.recent.find(scope, by, now)
        if found is None:
            self.door.rates.require(asked.request, READS)
            begun = perf_counter()
            store = self.door.office.store
            with store.read() as session:
                late = behind(session)
            if 0 < late <= AT_ONCE:  # more is a worker's to read
                with suppress(TimingsOfNewer):  # the page says that nothing of them is up to date
                    Keeper(store).catch_up()
            found = told(store, scope, by, now)
            self.recent.keep(scope, by, found, took=timedelta(seconds=perf_counter() - begun))
        return found

    def _seen(self, asked: Asked, found: Told) -> frozenset[int]:
        """Which of the oldest requests in hand the engine shows to who asks."""
        numbers = tuple(one.request for one in found.in_hand[:OLDEST])
        if not numbers:
            return frozenset()
        lines = self.door.office.engine.requests(asked.me.id, RequestFilter(numbers=numbers), limit=OLDEST)
        return frozenset(line.id for line in lines)

    def _names(self, asked: Asked, key: str, by: By, say: Translate) -> Names:
        words = process_words(asked.language)
        known: dict[str, str] = {}
        under_way: dict[str, None] = {}  # in the order of the process
        for one in self.door.office.engine.catalogue:
            if one.key == key:
                for state in one.states:
                    known.setdefault(state, words.state(one, state))
                under_way |= dict.fromkeys(name for name, state in one.states.items() if not state.end)
        return Names(
            lambda state: known.get(state, state),
            lambda label: self._group(label, by, words, asked.language, say),
            list(under_way),
        )

    def _group(self, label: str, by: By, words: ProcessWords, language: str, say: Translate) -> str:
        if label == OTHERS:
            return say(_ALL_OTHERS)
        match by:
            case "variant":
                return words.variant(label)
            case "month":
                return _month(label, language)
            case "unit":
                return label or say(_NO_UNIT)
        return self._definition(label, words)

    def _definition(self, sha256_hex: str, words: ProcessWords) -> str:
        """By what it is called, and the beginning of its digest."""
        named = (one for one in self.door.office.engine.catalogue if one.sha256_hex == sha256_hex)
        known = next(named, None)
        if known is None:
            return sha256_hex[:DIGITS]
        return definition_name(words.variant(known.variant), sha256_hex)

    def _kind(self, asked: Asked, key: str) -> str:
        words = process_words(asked.language)
        titles = (words.title(one) for one in self.door.office.engine.catalogue if one.key == key)
        return short_title(next(titles, key))

    def _choices(self, asked: Asked, shown: _Shown, reach: Reach, now: datetime) -> Choices:
        words, say = process_words(asked.language), translations(asked.language).gettext
        key, wanted = shown.told.scope.key, shown.reading.wanted
        with self.door.office.store.read() as session:
            of_all = Overview(session, Scope(reach=reach), now)
            known = staff.counts(session, asked.me.id, self.door.office.newest_day)
            definitions = Overview(session, Scope(key=key, reach=known), now).definitions()
            units = of_all.units() if reach.everywhere else sorted(reach.units)
            first = of_all.first_month() or now.date()
        catalogue = list(self.door.office.engine.catalogue)
        if not shown.reading.counted:  # that there was one request tells of it
            definitions = sorted({one.sha256_hex for one in catalogue if one.key == key})
        months = {*map(text_of, months_until(now, first)), wanted.first, wanted.last} - {""}
        kinds = {one.key: short_title(words.title(one)) for one in catalogue}
        variants = sorted({one.variant for one in catalogue if one.key == key})
        return Choices(
            sorted(kinds.items(), key=lambda one: one[1].casefold()),
            [(one, words.variant(one)) for one in variants],
            [(one, one) for one in units],
            [(one, self._definition(one, words)) for one in definitions],
            [(one, _month(one, asked.language)) for one in sorted(months, reverse=True)],
            [(one, say(name)) for one, name in BYS],
        )


def _month(text: str, language: str) -> str:
    year, number = text.split("-")
    return f"{WRITING[language].months[int(number) - 1]} {year}"


def _plain(table: Table) -> list[list[str | int | None]]:
    """The heads, then each row."""
    return [[key for key, _ in table.columns], *([cell.plain() for cell in row] for row in table.rows)]
