"""The signing folder: what waits for somebody's signature, read one by one, chosen, and signed at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from web.asked import Asked, Door
from web.bodies import MIB
from web.folder_runs import FolderRuns, counts
from web.folder_words import asked_of, barred_by, groups_of, people_of, signature_of
from web.languages import translations
from web.request_documents import RequestDocuments
from workflow.command_form import REQUEST_ID_MAX
from workflow.digits import whole
from workflow.folder import MOST, Waiting, waiting_for
from workflow.request_files import request_file
from workflow.words import process_words

ALL: Final = "all"


@dataclass(frozen=True)
class SigningFolder:
    """The pages under /folder; `documents` are those of requests, `runs` what is done from here."""

    door: Door
    documents: RequestDocuments
    runs: FolderRuns

    def routes(self) -> list[Route]:
        """Their addresses."""
        return [
            self.door.get("/folder", self._folder),
            self.door.post("/folder", self._chosen, most=MIB),
            self.door.get("/folder/documents/{n}", self._read),
            self.door.post_async("/folder/go-on", self._go_on),
            *self.runs.routes(),
        ]

    def _folder(self, asked: Asked) -> Response:
        return self._page(asked)

    def _page(self, asked: Asked, *, status: int = 200, wrong: str = "") -> Response:
        going = self.runs.going(asked)
        busy = {number for run in going if run.stage in ("going", "asking") for number in run.to_do}
        waiting = [one for one in waiting_for(self.door.office, asked.me.id) if one.request_id not in busy]
        kept = [one for one in waiting if one.kept]
        stack = [one for one in waiting if not one.kept]
        return self.door.answer(
            asked,
            "folder.html",
            status=status,
            wrong=wrong,
            groups=groups_of(stack, asked.language),
            waiting=stack,
            ready=[one for one in stack if one.ready],
            people=people_of(stack),
            kept=kept,
            most=MOST,
            going=going,
            counts=counts,
            chosen=set(asked.many("chosen")),
            all_chosen=asked.text("choose") == ALL,
            now=self.door.office.clock(),
            title_of=partial(_title, language=asked.language),
            barred_by=lambda one: barred_by(one, process_words(asked.language)),
        )

    def _chosen(self, asked: Asked) -> Response:
        """Begin a go with what was chosen; nothing is released before its page has asked for it."""
        seen = dict(_pairs(asked.many("seen") if asked.text("choose") == ALL else asked.many("chosen")))
        if not seen:
            return self._page(asked, status=422, wrong="nothing")
        here = {one.request_id: one for one in waiting_for(self.door.office, asked.me.id, seen)}
        chosen = [here[number] for number in seen if number in here and not here[number].kept]
        gone = [number for number in seen if number not in here]
        if not chosen:
            return self._page(asked, status=409, wrong="gone")
        run = self.runs.begin(asked, chosen, seen, gone=len(gone))
        return self.door.see(f"/folder/runs/{run.id}")

    async def _go_on(self, asked: Asked) -> Response:
        """Send on what was signed at a provider: nobody is asked anything."""
        run = await self.runs.send_on(asked)
        return self.door.see("/folder" if run is None else f"/folder/runs/{run.id}")

    def _read(self, asked: Asked) -> Response:
        """One document to be read, with the way to the next."""
        stack = [one for one in waiting_for(self.door.office, asked.me.id) if not one.kept]
        numbers = [one.request_id for one in stack]
        number = asked.number("n")
        if number not in numbers:
            raise HTTPException(404)
        place = numbers.index(number)
        one = stack[place]
        file = request_file(self.door.office, number, one.document, asked.me.id)
        say = translations(asked.language).gettext
        return self.door.answer(
            asked,
            "folder_document.html",
            one=one,
            title=_title(one, language=asked.language),
            place=place + 1,
            of=len(stack),
            before=numbers[place - 1] if place else None,
            after=numbers[place + 1] if place + 1 < len(numbers) else None,
            pages=self.documents.count(file),
            signature=signature_of(one, say),
            asks=asked_of(one, say),
            why=barred_by(one, process_words(asked.language)),
        )


def _title(one: Waiting, *, language: str) -> str:
    """What kind of document it is."""
    return process_words(language).kind(one.kind)


def _pairs(said: Iterable[str]) -> Iterable[tuple[int, int]]:
    """NUMBER-VERSION, as the page wrote them; what is none is left out."""
    for one in list(said)[:MOST]:
        said, _, seen = one.partition("-")
        number, version = whole(said, REQUEST_ID_MAX), whole(seen, REQUEST_ID_MAX)
        if number is not None and version is not None:
            yield number, version
