"""The log: checked, and taken home, with lists for who looks at the office from outside."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from throughput.mined import FORMS, MEDIA, SUFFIXES, Form, pieces
from throughput.mining import Pseudonyms, traces
from web.asked import Asked
from web.overseeing import Overseeing
from web.rates import Rate
from workflow import anchors, staff
from workflow.access import AUDITOR
from workflow.invented import invented
from workflow.logcheck import LogReport, verify
from workflow.logexport import Export

PAGE: Final = 50
CHECKS: Final = Rate("log-checks", 6, 600.0)
"""A check reads the whole log."""
EXPORTS: Final = Rate("exports", 6, 600.0)


@dataclass(frozen=True)
class LogPages(Overseeing):
    """The pages under /office/log. The log is of all units."""

    def routes(self) -> list[Route]:
        """Their addresses."""
        return [
            self.door.get("/office/log", self._shown),
            self.door.post("/office/log/check", self._check),
            self.door.get("/office/log/events", self._events),
            self.door.post("/office/log/events", self._with_bodies),
            self.door.post("/office/log/mining", self._mined),
        ]

    def _shown(self, asked: Asked) -> Response:
        return self._page(asked, report=None)

    def _page(self, asked: Asked, *, report: LogReport | None) -> Response:
        self.reach(asked, whole=True)
        with self.door.office.store.read() as session:
            kept = sorted(anchors.kept(session), key=lambda one: one.made_at, reverse=True)[:PAGE]
            head = Export.begin(session, with_bodies=False).head
        return self.answer(
            asked, "log.html", anchors=kept, head=head, report=report, audits=self._audits(asked)
        )

    def _audits(self, asked: Asked) -> bool:
        """Whether they read everything of all units: an administrator sees nobody's data."""
        office = self.door.office
        with office.store.read() as session:
            return staff.reach_of(session, asked.me.id, office.newest_day, AUDITOR).everywhere

    def _check(self, asked: Asked) -> Response:
        self.reach(asked, whole=True)
        self.door.rates.require(asked.request, CHECKS)
        office = self.door.office
        with office.store.read() as session:
            report = verify(session, trust=office.trust)
        return self._page(asked, report=report)

    def _events(self, asked: Asked) -> Response:
        """The events and anchors as lines of JSON, without who acted: to be verified anywhere."""
        self.reach(asked, whole=True)
        return self._export(asked, with_bodies=False)

    def _with_bodies(self, asked: Asked) -> Response:
        """The same with who acted and what they wrote."""
        self.reach(asked, whole=True)
        if not self._audits(asked):
            raise HTTPException(404)
        return self._export(asked, with_bodies=True)

    def _mined(self, asked: Asked) -> Response:
        """The requests for process mining: people are pseudonyms, which may tell colleagues who they are."""
        self.reach(asked, whole=True)
        form = next((one for one in FORMS if one == asked.text("form")), None)
        if form is None or not self._audits(asked):
            raise HTTPException(404)
        self.door.rates.require(asked.request, EXPORTS)
        return self._saved(self._pieces(form), "requests", SUFFIXES[form], MEDIA[form])

    def _pieces(self, form: Form) -> Iterator[bytes]:
        names = Pseudonyms(secrets.token_bytes(32))
        with self.door.office.store.read() as session:
            yield from pieces(form, lambda: traces(session, names), invented(session))

    def _export(self, asked: Asked, *, with_bodies: bool) -> Response:
        self.door.rates.require(asked.request, EXPORTS)
        what = "events-with-people" if with_bodies else "events"
        return self._saved(self._lines(with_bodies=with_bodies), what, "jsonl", "application/jsonl")

    def _saved(self, content: Iterator[bytes], what: str, suffix: str, media: str) -> Response:
        """A file to be saved, sent while it is made."""
        name = self.door.past.named(f"{what}-{self.door.office.clock():%Y-%m-%d}.{suffix}")
        return StreamingResponse(
            content,
            media_type=media,
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "Cache-Control": "private, no-store",
            },
        )

    def _lines(self, *, with_bodies: bool) -> Iterator[bytes]:
        office = self.door.office
        with office.store.read() as session:
            yield from Export.begin(session, with_bodies=with_bodies).lines(now=office.clock())
