"""The recipient's check: a file, its SHA-256 alone, or the code from paper; for who has no account.

A file is judged in a fenced process, and is on no disk under any name meanwhile. What is told of the register
is what the file or the paper shows, and what became of it. All three work without JavaScript; with it the
browser works out the SHA-256, so that the file need not leave it.
"""

import asyncio
import logging
import os
import re
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO, Final

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from certs.trust import TrustStore
from documents.kinds import KINDS
from documents.words import words_in
from signing.verify.bulk import verify_sources
from signing.verify.details import about_file, about_signature, heading
from signing.verify.output import printable
from signing.verify.register import Standing
from signing.verify.report import Report, Verdict
from signing.verify.sentence import sentence_in
from signing.verify.sources import Source
from signing.verify.verdict import with_register
from signing.verify.words import words_in as report_words
from watching.logs import note
from web.bodies import MIB, SMALL, Bodies
from web.languages import language_of
from web.letting_in import text_of
from web.pages import Pages
from web.rates import Rate, Rates
from workflow.calendar import ZONE
from workflow.codes import as_printed
from workflow.errors import StoreUnavailable
from workflow.issued import IssuedRegister
from workflow.office import Office

FILES = Rate("files", 20, 600.0)
LOOK_UPS = Rate("look-ups", 60, 600.0)
FILE_MOST: Final = 32 * MIB + SMALL
AT_ONCE: Final = 2
PATIENCE_S: Final = 20.0

_SHA256 = re.compile("[0-9a-f]{64}")
# Whether what is said is good news: the colour and the sign beside the words.
_TONES = {
    Verdict.AUTHENTIC: "good",
    Verdict.SIGNED_BUT: "mixed",
    Verdict.NOT_WHAT_WAS_SIGNED: "bad",
    Verdict.CANNOT_BE_JUDGED: "open",
}

log = logging.getLogger(__name__)


@dataclass
class RecipientsCheck:
    """The pages under /verify."""

    office: Office
    pages: Pages
    rates: Rates
    bodies: Bodies

    def __post_init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)
        self.bodies.allow("/verify/file", FILE_MOST)
        self._register = IssuedRegister(self.office.store, self.office.clock)

    def routes(self) -> list[Route]:
        """Its addresses."""
        return [
            Route("/verify", self._ask),
            Route("/verify/file", self._file, methods=["POST"]),
            Route("/verify/fingerprint", self._fingerprint, methods=["POST"]),
            Route("/verify/code", self._typed, methods=["POST"]),
            Route("/verify/{code}", self._code),
        ]

    async def _ask(self, request: Request) -> Response:
        return self.pages.answer(request, "verify.html", wrong=None)

    async def _file(self, request: Request) -> Response:
        self.rates.require(request, FILES)
        async with request.form(max_files=1, max_fields=4) as form:
            uploaded = form.get("file")
            if not isinstance(uploaded, UploadFile) or not uploaded.size:
                return self._wrong(request, "file")
            try:
                await asyncio.wait_for(self._places.acquire(), PATIENCE_S)
            except TimeoutError:
                raise HTTPException(503, headers={"Retry-After": "60"}) from None
            try:
                report = await asyncio.to_thread(self._judged, uploaded)
            finally:
                self._places.release()
        words = report_words(language_of(request), ZONE)
        parts = [
            (None, list(about_file(report, words))),
            *((heading(one, words), list(about_signature(one, report, words))) for one in report.signatures),
        ]
        return self.pages.answer(
            request,
            "verdict.html",
            report=report,
            tone=tone_of(report),
            sentence=sentence_in(report, words),
            parts=parts,
        )

    def _judged(self, uploaded: UploadFile) -> Report:
        """The verdict, with the word of the register; without it, where the register can't be asked."""
        report = judged(uploaded.file, uploaded.filename or "", self.office.trust, self.office.clock())
        try:
            return with_register(report, self._register.public_word(report))
        except StoreUnavailable as error:
            note(log, logging.ERROR, "register_unasked", error=error)
            raise HTTPException(503, headers={"Retry-After": "60"}) from None

    async def _fingerprint(self, request: Request) -> Response:
        self.rates.require(request, LOOK_UPS)
        typed = text_of(await request.form(max_files=0), "sha256")[:200]
        digest = re.sub(r"[\s:]", "", typed).lower()
        if not _SHA256.fullmatch(digest):
            return self._wrong(request, "sha256", typed)
        word = await asyncio.to_thread(self._register.by_digest, digest)
        known = {Standing.ISSUED: "good", Standing.UNKNOWN: "open"}
        tone = "mixed" if word.withdrawn else known.get(word.standing, "mixed")
        return self.pages.answer(
            request,
            "fingerprint.html",
            word=word,
            recorded_on=_day(word.recorded_at),
            destroyed_on=_day(word.destroyed_on),
            sha256=digest,
            tone=tone,
            kind=self._kind(request, word.kind),
        )

    async def _typed(self, request: Request) -> Response:
        typed = text_of(await request.form(max_files=0), "code")
        code = as_printed(typed)
        if code is None:
            self.rates.require(request, LOOK_UPS)
            return self._wrong(request, "code", typed[:60])
        return RedirectResponse(f"/verify/{code}?lang={language_of(request)}", status_code=303)

    async def _code(self, request: Request) -> Response:
        self.rates.require(request, LOOK_UPS)
        printed = await asyncio.to_thread(self._register.by_code, request.path_params["code"])
        if printed is None:
            return self.pages.answer(request, "code.html", status=404, printed=None, tone="open", kind="")
        expired = printed.valid_until is not None and self.office.clock().date() > printed.valid_until
        tone = "mixed" if printed.withdrawn or printed.replaced or expired else "good"
        return self.pages.answer(
            request,
            "code.html",
            printed=printed,
            tone=tone,
            expired=expired,
            kind=self._kind(request, printed.kind),
        )

    def _wrong(self, request: Request, field: str, typed: str = "") -> Response:
        return self.pages.answer(request, "verify.html", status=422, wrong=field, typed=typed)

    @staticmethod
    def _kind(request: Request, kind: str | None) -> str:
        """What kind of document it is, in the language of who asks."""
        return (
            words_in(language_of(request)).text(KINDS[kind].title)
            if kind is not None and kind in KINDS
            else ""
        )


def judged(file: BinaryIO, name: str, trust: TrustStore, now: datetime) -> Report:
    """The verdict on an open file, by a fenced process that reads it through this one's own handle."""
    source = Source(printable(name)[:200], Path(f"/proc/{os.getpid()}/fd/{file.fileno()}"))
    (report,) = verify_sources([source], trust, now=now, traces=True)
    return report


def _day(told: str | None) -> date | None:
    """The day of a time as the register tells it."""
    return date.fromisoformat(told[:10]) if told else None


def tone_of(report: Report) -> str:
    """Good news is what proves something, as a development key does not; or what nobody had to sign."""
    if report.register is not None and report.register.vouches:
        return "good"
    tone = _TONES[report.verdict]
    return "mixed" if tone == "good" and any(one.development for one in report.signatures) else tone
