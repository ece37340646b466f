"""The documents of a request: as pictures of their pages, as files, judged, and as a package of evidence.

Each address asks anew whether the person may see the request; to who may not, nothing of it is there.
"""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from threading import BoundedSemaphore
from typing import Final
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from signing.page_images import PageImage, PageNotDrawnError
from signing.verify.bulk import verify_sources
from signing.verify.details import about_file, about_signature, heading
from signing.verify.report import Report
from signing.verify.sentence import sentence_in
from signing.verify.sources import Source
from signing.verify.verdict import with_register
from signing.verify.words import words_in as report_words
from web.asked import Asked, Door
from web.drawn_pages import PAGES_MOST, DrawnPages
from web.rates import Rate
from web.recipient import tone_of
from workflow.calendar import ZONE
from workflow.definition_model import OUTSIDE_FILES
from workflow.errors import NotFound
from workflow.evidence import NotAnchoredYet
from workflow.evidence_handed_out import hand_out
from workflow.issued import IssuedRegister
from workflow.kept_files import kept_file
from workflow.openings import has_to_open, note_opening
from workflow.particulars import particulars
from workflow.previews import Preview
from workflow.request_files import RequestFile, request_file
from workflow.words import process_words

DRAWN = Rate("drawn-pages", 240, 60.0)
JUDGED = Rate("judged-documents", 60, 600.0)
PACKED = Rate("evidence-packages", 20, 600.0)
AT_ONCE: Final = 2
PATIENCE_S: Final = 20.0
HASTE_S: Final = 2.0
NAME_LONGEST: Final = 120
APART: Final = "sandbox"
"""Beside what holds for every answer: a file that is opened after all is of no origin, and runs nothing."""


@dataclass
class RequestDocuments:
    """What is below /requests/{n}/documents, and the package of evidence."""

    door: Door
    pages: DrawnPages = field(default_factory=DrawnPages)

    def __post_init__(self) -> None:
        self._places = BoundedSemaphore(AT_ONCE)
        self._register = IssuedRegister(self.door.office.store, self.door.office.clock)

    def routes(self) -> list[Route]:
        """Their addresses."""
        return [
            self.door.get("/requests/{n}/documents/{name}.pdf", self._download),
            self.door.get("/requests/{n}/documents/{name}/pages/{page}.png", self._page),
            self.door.get("/requests/{n}/documents/{name}/verify", self._verify),
            self.door.get("/requests/{n}/files/{what}.pdf", self._kept),
            self.door.get("/requests/{n}/draft/{name}", self._draft),
            self.door.get("/requests/{n}/draft/{name}/pages/{page}.png", self._draft_page),
            self.door.post("/requests/{n}/evidence", self._evidence),
        ]

    def count(self, file: RequestFile) -> int:
        """Of how many pages a document is; 0 where it can't be drawn, 1 where there is no time to look."""
        try:
            return min(self._drawn(file, 1, patience_s=HASTE_S).pages, PAGES_MOST)
        except PageNotDrawnError:
            return 0
        except HTTPException:
            return 1

    def _file(self, asked: Asked) -> RequestFile:
        name = str(asked.request.path_params["name"])[:100]
        return request_file(self.door.office, asked.number("n"), name, asked.me.id)

    def _opened(self, file: RequestFile, asked: Asked) -> None:
        """Keep that they were given it: by HEAD nobody is."""
        if asked.request.method == "HEAD":
            return
        note_opening(self.door.office, file.request_id, file.name, file.sha256, asked.me.id)

    def _has_to_open(self, file: RequestFile, asked: Asked) -> bool:
        """Whether they have to be given it: that a browser says it has it already would not count."""
        return has_to_open(self.door.office, file.request_id, file.name, file.sha256, asked.me.id)

    def _download(self, asked: Asked) -> Response:
        file = self._file(asked)
        pdf = self.door.office.blobs.get(file.sha256)
        self._opened(file, asked)
        title = process_words(asked.language).kind(file.kind)
        return attachment(pdf, "application/pdf", f"{title} {file.number}.pdf")

    def _kept(self, asked: Asked) -> Response:
        """A file that was given out, or came back."""
        what = next((one for one in OUTSIDE_FILES if one == asked.request.path_params["what"]), None)
        if what is None:
            raise HTTPException(404)
        kept = kept_file(self.door.office, asked.number("n"), asked.me.id, what)
        return attachment(kept.pdf, "application/pdf", f"{kept.number} {what}.pdf")

    def _page(self, asked: Asked) -> Response:
        file, number = self._file(asked), _page_number(asked)
        tag = f'"{file.sha256[:32]}-{number}"'
        # kept by this browser alone, which asks each time whether it still may
        headers = {"Cache-Control": "private, no-cache", "ETag": tag}
        if asked.request.headers.get("if-none-match") == tag and not self._has_to_open(file, asked):
            return Response(status_code=304, headers=headers)
        image = self._picture(asked, file.sha256, number, lambda: self.door.office.blobs.get(file.sha256))
        self._opened(file, asked)
        return Response(image.png, media_type="image/png", headers=headers)

    def _picture(self, asked: Asked, sha256: str, number: int, pdf: Callable[[], bytes]) -> PageImage:
        """A page for who asks: one that has to be drawn counts. Raises HTTPException 404 if it can't be."""
        if self.pages.kept(sha256, number) is None:
            self.door.rates.require(asked.request, DRAWN)
        try:
            return self.pages.draw(sha256, number, pdf)
        except PageNotDrawnError:
            raise HTTPException(404) from None

    def _drawn(self, file: RequestFile, number: int, *, patience_s: float = PATIENCE_S) -> PageImage:
        def pdf() -> bytes:
            return self.door.office.blobs.get(file.sha256)

        return self.pages.draw(file.sha256, number, pdf, patience_s=patience_s)

    def _preview(self, asked: Asked) -> Preview:
        name = str(asked.request.path_params["name"])[:100]
        return Preview.find(self.door.office, asked.number("n"), name, asked.me.id)

    def _draft(self, asked: Asked) -> Response:
        """All pages of a document as it would be, or why there are none."""
        found = self._preview(asked)
        self.door.rates.require(asked.request, DRAWN)
        trouble = found.trouble()
        return self.door.answer(
            asked,
            "request_draft.html",
            status=422 if trouble else 200,
            view=found.view,
            name=found.name,
            kind=process_words(asked.language).kind(found.definition.documents[found.name].kind),
            pages=0 if trouble else self._draft_pages(found),
            trouble=trouble,
        )

    def _draft_pages(self, found: Preview) -> int:
        try:
            return min(self.pages.draw(found.sha256, 1, lambda: found.pdf).pages, PAGES_MOST)
        except PageNotDrawnError:
            raise HTTPException(404) from None

    def _draft_page(self, asked: Asked) -> Response:
        found, number = self._preview(asked), _page_number(asked)
        image = self._picture(asked, found.sha256, number, lambda: found.pdf)
        return Response(image.png, media_type="image/png", headers={"Cache-Control": "private, no-store"})

    def _verify(self, asked: Asked) -> Response:
        file = self._file(asked)
        self.door.rates.require(asked.request, JUDGED)
        report, words = self._judged(file), report_words(asked.language, ZONE)
        parts = [
            (None, list(about_file(report, words))),
            *((heading(one, words), list(about_signature(one, report, words))) for one in report.signatures),
        ]
        return self.door.answer(
            asked,
            "request_verdict.html",
            number=file.request_id,
            document=file,
            report=report,
            tone=tone_of(report),
            sentence=sentence_in(report, words),
            parts=parts,
        )

    def _judged(self, file: RequestFile) -> Report:
        """The verdict of our own verifier on the file as it is kept, with the word of the register."""
        office = self.door.office
        pdf = office.blobs.get(file.sha256)
        if not self._places.acquire(timeout=PATIENCE_S):
            raise HTTPException(503, headers={"Retry-After": "60"})
        try:
            name = f"{file.number}.pdf"
            source = Source(name, Path(name), content=pdf)
            (report,) = verify_sources([source], office.trust, now=office.clock(), traces=True)
        finally:
            self._places.release()
        return with_register(report, self._register.word(report))

    def _evidence(self, asked: Asked) -> Response:
        """A package of what proves the request, for who audits it."""
        office, number = self.door.office, asked.number("n")
        view = office.engine.show(number, asked.me.id)
        if not particulars(office, view, asked.me.id).audits:
            raise NotFound(number)
        self.door.rates.require(asked.request, PACKED)
        try:
            with TemporaryFile() as draft:
                hand_out(office, number, draft, with_bodies=False)
                package = draft.read()
        except NotAnchoredYet:
            return self.door.answer(asked, "request_unanchored.html", status=409, number=number)
        return attachment(package, "application/zip", f"request-{number}-evidence.zip")


def _page_number(asked: Asked) -> int:
    number = asked.number("page")
    if not 0 < number <= PAGES_MOST:
        raise HTTPException(404)
    return number


def attachment(content: bytes, media_type: str, name: str) -> Response:
    """A file to be kept, never to be opened as a page of ours."""
    return Response(
        content,
        media_type=media_type,
        headers={
            "Content-Disposition": disposition(name),
            "Content-Security-Policy": APART,
            "Cache-Control": "private, no-store",
        },
    )


def disposition(name: str) -> str:
    """The header that says under which name a file is kept: in ASCII, and as it is.

    Source: RFC 6266, 4.3 and appendix D.
    """
    plain = "".join(one for one in name if one.isprintable() and one not in '/\\:*?"<>|') or "document"
    if len(plain) > NAME_LONGEST:
        kind = Path(plain).suffix[:10]
        plain = plain[: NAME_LONGEST - len(kind)] + kind
    folded = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
    simple = "".join(one if one.isalnum() or one in "-._" else "-" for one in folded) or "document"
    return f"attachment; filename=\"{simple}\"; filename*=UTF-8''{quote(plain, safe='')}"
