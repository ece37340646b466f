"""Files that somebody received: judged as the recipient's check does, and what the register knows of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from tempfile import TemporaryFile
from typing import Annotated, Any, BinaryIO, Final

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from signing.verify.output import as_dict
from signing.verify.report import to_json
from signing.verify.verdict import with_register
from web.api.described import OBJECT, errors
from web.api.errors import Busy, Misshapen, NothingHere, wrong
from web.api.guard import Caller, Operation, TheGuard, TheOffice, needs
from web.api.office_models import IssuedTold, PrintedTold, Verified
from web.rates import Rate
from web.recipient import AT_ONCE, PATIENCE_S, judged
from workflow.issued import IssuedRegister
from workflow.office import Office
from workflow.tokens import VERIFY

FILES = Rate("files of a token", 60, 600.0)
LOOK_UPS = Rate("look-ups of a token", 300, 600.0)
PDF: Final = "application/pdf"

router = APIRouter(route_class=Operation)


class Places:
    """So many files are judged at once, in this process."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """One of them, once it is free. Raises Busy."""
        try:
            await asyncio.wait_for(self._places.acquire(), PATIENCE_S)
        except TimeoutError:
            raise Busy from None
        try:
            yield
        finally:
            self._places.release()


def sends(description: str, *media_types: str) -> dict[str, Any]:
    """What an operation takes that takes a file: a PDF, unless it says otherwise."""
    file = {"schema": {"type": "string", "format": "binary"}}
    content = dict.fromkeys(media_types or (PDF,), file)
    return {"required": True, "description": description, "content": content}


async def body_of(request: Request) -> bytes:
    """The file that was sent. Raises Misshapen for none."""
    if not (content := await request.body()):
        raise Misshapen([wrong("Send the file as the body.", "body")])
    return content


@router.post(
    "/verify",
    openapi_extra=needs(VERIFY, requestBody=sends("The file, of 32 MiB at most.")),
    response_model=Verified,
    responses=errors(400, 413, 415),
)
async def verify_file(
    request: Request,
    caller: Caller,
    guard: TheGuard,
    name: Annotated[
        str, Query(max_length=200, description="What it is called in the report.")
    ] = "upload.pdf",
) -> Response:
    """Have a PDF judged, with the register's word as far as the person may know it."""
    guard.take(caller, FILES)
    places: Places = request.app.state.places
    with TemporaryFile() as file:
        size = 0
        async for piece in request.stream():
            size += len(piece)
            file.write(piece)
        if not size:
            raise Misshapen([wrong("Send the file as the body.", "body")])
        file.flush()
        async with places.one():
            report = await run_in_threadpool(_judged, guard.office, file, name, caller.person)
    return Response(to_json(report), media_type="application/json")


@router.get("/register/files/{sha256}", openapi_extra=needs(VERIFY), responses=errors(*OBJECT))
def look_up_file(
    sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$", examples=["0" * 64])],
    caller: Caller,
    guard: TheGuard,
    office: TheOffice,
) -> IssuedTold:
    """Ask what the register knows of a file by its SHA-256 alone, as its recipient may."""
    guard.take(caller, LOOK_UPS)
    word = _register(office).by_digest(sha256)
    return IssuedTold(
        sha256=sha256,
        standing=word.standing.value,
        kind=word.kind,
        number=word.number,
        recorded_on=_day(word.recorded_at),
        destroyed_on=_day(word.destroyed_on),
        withdrawn=word.withdrawn,
        signatures=[one.kind for one in word.expected],
    )


@router.get("/register/codes/{code}", openapi_extra=needs(VERIFY), responses=errors(*OBJECT))
def look_up_code(
    code: Annotated[str, Path(max_length=100, examples=["SAMPLE-CODE"])],
    caller: Caller,
    guard: TheGuard,
    office: TheOffice,
) -> PrintedTold:
    """Ask what the code that is printed on a document leads to, as its recipient may."""
    guard.take(caller, LOOK_UPS)
    printed = _register(office).by_code(code)
    if printed is None:
        raise NothingHere
    return PrintedTold.model_validate(printed)


def _judged(office: Office, file: BinaryIO, name: str, person: str) -> dict[str, Any]:
    report = judged(file, name, office.trust, office.clock())
    register = IssuedRegister(office.store, office.clock, seen_by=person)
    return as_dict(with_register(report, register.word(report)))


def _register(office: Office) -> IssuedRegister:
    return IssuedRegister(office.store, office.clock)


def _day(told: str | None) -> date | None:
    return date.fromisoformat(told[:10]) if told else None
