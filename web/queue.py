"""The queue: the tasks that somebody can take, looked through, taken one by one or several at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from documents.words import mark
from web.ages import Ages, DueWords
from web.asked import Asked, Door
from web.choices import choices, signs
from web.csv_answer import LISTS, Cell, csv_answer
from web.languages import translations
from web.navigation import EVERYBODY
from web.queue_view import SIZES, QueueView
from workflow.access import People
from workflow.callings import names_of
from workflow.definition_model import APPROVE, RETURN, Definition
from workflow.many import definitions_of
from workflow.queue_filter import QueueFilter
from workflow.queue_page import COUNTED, QueueItem
from workflow.queue_rights import rights_of
from workflow.saved_filters import remove_filter, save_filter, saved_filters

CSV_AT_ONCE: Final = 500
COLUMNS: Final = (
    *("request_id", "key", "variant", "state", "role", "requester_id", "requester_name", "unit"),
    *("reference", "offered_at", "due_at", "claimed_by", "holder_name", "started_at", "suspended_at"),
    *("on_behalf_of", "lapsed"),
)
"""Of the queue as CSV, as `paraaf queue` calls them."""
_HEADINGS = (
    ("clerk", mark("Queue of the back office")),
    ("manager", mark("Inbox of my team")),
    ("leader", mark("Inbox of my team")),
    ("signer", mark("What waits for signers")),
)
_SAID = {
    "none": mark("Nothing is left that you could take here."),
    "saved": mark("The filter is saved."),
    "removed": mark("The filter is removed."),
}


@dataclass(frozen=True)
class Row:
    """A task as its line shows it."""

    item: QueueItem
    definition: Definition | None
    """None for one that this release can't read."""
    principal: str
    """For whom it would be done, as their substitute; "" in one's own right."""
    age: str
    due: DueWords | None

    @property
    def pick(self) -> str:
        """What the form says of it: number, version, and for whom."""
        item = self.item
        principal = [item.on_behalf_of] if item.on_behalf_of else []
        return ".".join([str(item.request_id), str(item.version), *principal])


@dataclass(frozen=True)
class Queue:
    """The pages under /queue, but for what is done with many."""

    door: Door

    def routes(self) -> list[Route]:
        """Its addresses."""
        return [
            self.door.get("/queue", self._show),
            self.door.get("/queue.csv", self._csv),
            self.door.post("/queue/next", self._next),
            self.door.post("/queue/saved", self._save),
            self.door.post("/queue/saved/remove", self._remove),
        ]

    def _show(self, asked: Asked) -> Response:
        view, engine = QueueView.from_query(_query(asked)), self.door.office.engine
        page = engine.queue(asked.me.id, view.asked, limit=view.size)
        items, older, newer = list(page.items), page.after, page.before
        if view.before is not None:
            items, older, newer = items[::-1], page.before, page.after
        rows = self._rows(asked, items)
        with engine.store.read() as session:
            saved = saved_filters(session, asked.me.id)
        said = _SAID.get(asked.text("said"), "")
        return self.door.answer(
            asked,
            "queue.html",
            view=view,
            wanted=view.wanted,
            heading=_heading(asked.me.roles),
            rows=rows,
            count=page.count,
            more=page.more,
            counted=COUNTED,
            sizes=SIZES,
            newer=view.preceding(newer).address() if newer and items else None,
            older=view.following(older).address() if older and items else None,
            start=view.first().address() if view.before or view.wanted.after else None,
            saved=saved,
            as_csv=view.first().address(path="/queue.csv"),
            said=said,
            all_picked=asked.text("select") == "all",
            may_approve=any(_offers(row, APPROVE) for row in rows),
            may_return=any(_offers(row, RETURN) for row in rows),
            may_suspend=any(row.item.suspended_at is None for row in rows),
            may_resume=any(row.item.suspended_at is not None for row in rows),
            signs=any(_leads_to_signature(row) for row in rows),
            new_key=asked.new_key,
            choices=choices(
                engine.catalogue,
                asked.language,
                view.wanted.kind or "",
                roles=self._working_roles(asked),
                also={view.wanted.state or "", *(row.item.state for row in rows)},
            ),
        )

    def _working_roles(self, asked: Asked) -> set[str]:
        """In which roles they work on others' requests, for themselves or for whom they stand in."""
        office = self.door.office
        with office.store.read() as session:
            people = People.load(session, [asked.me.id])
        rights = rights_of(asked.me.id, people, office.newest_day)
        return {role for right in rights for role in right.units(people)} - EVERYBODY

    def _csv(self, asked: Asked) -> Response:
        """All that the queue finds, on every page of it."""
        view = QueueView.from_query(_query(asked)).first()
        self.door.rates.require(asked.request, LISTS)
        name = f"queue-{self.door.office.clock():%Y-%m-%d}.csv"
        return csv_answer(name, COLUMNS, self._lines(asked.me.id, view.asked))

    def _lines(self, me: str, wanted: QueueFilter) -> Iterator[tuple[Cell, ...]]:
        """A line for each, read as they are sent."""
        after: str | None = ""
        while after is not None:
            here = replace(wanted, after=after or None)
            page = self.door.office.engine.queue(me, here, limit=CSV_AT_ONCE, counted=False)
            for item in page.items:
                values = asdict(item)
                yield tuple(values[name] for name in COLUMNS)
            after = page.after

    def _rows(self, asked: Asked, items: Sequence[QueueItem]) -> list[Row]:
        engine = self.door.office.engine
        definitions = definitions_of(engine, [item.request_id for item in items])
        principals = {item.on_behalf_of for item in items if item.on_behalf_of}
        names = names_of(engine.store, principals)
        ages = Ages(self.door.office.clock(), translations(asked.language).gettext)
        return [self._row(item, definitions.get(item.request_id), names, ages) for item in items]

    @staticmethod
    def _row(item: QueueItem, definition: Definition | None, names: Mapping[str, str], ages: Ages) -> Row:
        principal = item.on_behalf_of or ""
        stands = item.suspended_at is not None  # the clock does
        return Row(
            item,
            definition,
            names.get(principal, principal),
            "" if definition is None else ages.age(definition, item.offered_at),
            None if definition is None or stands else ages.due(definition, item.due_at, item.near_at),
        )

    def _next(self, asked: Asked) -> Response:
        """Take what is due first, and open it."""
        view = QueueView.from_text(asked.text("query"))
        key = f"queue:next:{asked.text('key') or asked.new_key()}"
        answer = self.door.office.engine.take_next(asked.me.id, view.wanted, key=key)
        if answer is None:
            return self.door.see(view.first().address(said="none"))
        return self.door.see(f"/requests/{answer.request_id}")

    def _save(self, asked: Asked) -> Response:
        view = QueueView.from_text(asked.text("query"))
        with self.door.office.store.write() as session:
            save_filter(session, asked.me.id, asked.text("name").strip(), view.wanted)
        return self.door.see(view.first().address(said="saved"))

    def _remove(self, asked: Asked) -> Response:
        with self.door.office.store.write() as session:
            remove_filter(session, asked.me.id, asked.text("name"))
        return self.door.see("/queue", said="removed")


def _query(asked: Asked) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in asked.request.query_params.multi_items():
        found.setdefault(name, []).append(value)
    return found


def _heading(roles: frozenset[str]) -> str:
    return next((words for role, words in _HEADINGS if role in roles), mark("What waits for me"))


def _offers(row: Row, trigger: str) -> bool:
    return row.definition is not None and trigger in row.definition.states[row.item.state].triggers


def _leads_to_signature(row: Row) -> bool:
    return row.definition is not None and signs(row.definition, row.item.state)
