"""Files of a request that go out to be signed elsewhere or on paper, and come back.

What comes is judged, or read, in fenced processes before anything is stored.
"""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Final, TypeVar

from fastapi import APIRouter, Path, Request, Response
from starlette.concurrency import run_in_threadpool

from problem import Problem
from signing.scans import matched, read_scan
from web.api.commands import DONE, Key, Seen, answer_of, api_key, told_of, version_of
from web.api.described import BODY, COMMAND, OBJECT, errors, header
from web.api.files import FILES, PDF, Places, body_of, sends
from web.api.guard import Caller, Operation, TheGuard, TheOffice, needs
from web.api.models import AnswerTold
from web.api.office_models import GivenOut, ScanResult, ScanResults
from web.api.problems import status_of, told_in_part
from web.api.requests import Number, Principal
from workflow import outside_given, outside_scans, outside_signed
from workflow.commands import Answer
from workflow.definition_model import OutsideFile
from workflow.errors import NotFound
from workflow.kept_files import kept_file
from workflow.office import Office
from workflow.outside import By
from workflow.tokens import DOCUMENTS, WRITE

PICTURES: Final = ("image/jpeg", "image/png", "image/tiff")

router = APIRouter(route_class=Operation)

_Done = TypeVar("_Done")


@router.get(
    "/requests/{number}/files/{what}",
    openapi_extra=needs(DOCUMENTS),
    response_class=Response,
    responses={
        200: {
            "description": "The file.",
            "content": {PDF: {"schema": {"type": "string", "format": "binary"}}},
            "headers": {"ETag": header("The file's SHA-256.")},
        },
        **errors(*OBJECT),
    },
)
def get_file(
    number: Number,
    what: Annotated[OutsideFile, Path(description="What went out, or came back.", examples=["given"])],
    caller: Caller,
    office: TheOffice,
) -> Response:
    """Give out again what is kept: the file that went out, the one that came back signed, the sealed scan."""
    kept = kept_file(office, number, caller.person, what)
    headers = {"ETag": f'"{kept.sha256}"', "Cache-Control": "private, no-store"}
    return Response(kept.pdf, headers=headers, media_type=PDF)


@router.post(
    "/requests/{number}/given",
    openapi_extra=needs(WRITE),
    responses={200: DONE, **errors(400, 404, 409, 412, 428)},
)
def give_out(  # noqa: PLR0917  one for each thing that is sent
    response: Response,
    number: Number,
    key: Key,
    seen: Seen,
    caller: Caller,
    office: TheOffice,
    on_behalf_of: Principal = None,
) -> GivenOut:
    """Record that the document goes out to be signed elsewhere or on paper; GET …/files/given has its file.

    `answer` is null where it had gone out before, and whoever asks is to bring it back.
    """
    by = By(caller.person, on_behalf_of, api_key(key), "program", version_of(seen))
    given = outside_given.give(office, number, by)
    answer = None if given.answer is None else told_of(given.answer, response)
    return GivenOut(number=given.number, sha256=given.sha256, answer=answer)


@router.post(
    "/requests/{number}/signed",
    openapi_extra=needs(WRITE, requestBody=sends("The signed file, of 32 MiB at most.")),
    responses={200: DONE, **errors(*COMMAND)},
)
async def take_signed(  # noqa: PLR0917  one for each thing that is sent
    request: Request,
    response: Response,
    number: Number,
    key: Key,
    seen: Seen,
    caller: Caller,
    guard: TheGuard,
    on_behalf_of: Principal = None,
) -> AnswerTold:
    """Take in what was signed elsewhere: the file that went out and the expected signatures alone."""
    guard.take(caller, FILES)
    content = await body_of(request)
    by = By(caller.person, on_behalf_of, api_key(key), "program", version_of(seen))
    taken = partial(outside_signed.take_signed, guard.office, number, content, by)
    return told_of(await _placed(request, taken), response)


@router.post(
    "/scans",
    openapi_extra=needs(WRITE, requestBody=sends("Scanned pages, of 32 MiB at most.", PDF, *PICTURES)),
    responses=errors(*BODY),
)
async def take_scans(
    request: Request, caller: Caller, guard: TheGuard, on_behalf_of: Principal = None
) -> ScanResults:
    """Keep scans of what was signed on paper, each by the codes on its pages, as sealed copies.

    Each has its result, and one that is refused stops no other. The same pages, sent again by the same
    person, are taken in once: they need no key.
    """
    guard.take(caller, FILES)
    content = await body_of(request)
    by = By(caller.person, on_behalf_of, channel="program")
    return ScanResults(results=await _placed(request, partial(_scanned, guard.office, content, by)))


async def _placed(request: Request, do: Callable[[], _Done]) -> _Done:
    """Done in a thread, when one of the places for files is free. Raises Busy."""
    places: Places = request.app.state.places
    async with places.one():
        return await run_in_threadpool(do)


def _scanned(office: Office, content: bytes, by: By) -> list[ScanResult]:
    """Take in each document of a scan. Raises ScanRefusedError for a file that is none."""
    found, wrong = matched(read_scan(content))
    results = [_result("", problem) for problem in wrong]
    for scan in found:
        try:
            results.append(_result(scan.number, outside_scans.take_scan(office, scan, by)))
        except NotFound:
            results.append(_result(scan.number, outside_scans.no_document(scan.number)))
        except Problem as problem:
            results.append(_result(scan.number, problem))
    return results


def _result(document: str, result: Answer | Problem) -> ScanResult:
    if isinstance(result, Answer):
        answer = answer_of(result)
        return ScanResult(
            document=document, status=200, replayed=result.repeated, answer=answer, problem=None
        )
    problem = told_in_part(result)
    return ScanResult(
        document=document, status=status_of(result), replayed=False, answer=None, problem=problem
    )
