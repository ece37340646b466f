"""Requests, the queue, documents and evidence: what a person may see of them."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import asdict
from tempfile import TemporaryFile
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Header, Path, Query, Request, Response

from web.api.described import BASE, OBJECT, errors, header, links
from web.api.errors import DutyMissing, Misshapen, NothingHere, wrong
from web.api.guard import Caller, Operation, TheOffice, needs
from web.api.models import (
    NUMBER_MOST,
    CannotTold,
    CanTold,
    ConsentTold,
    DocumentList,
    DocumentTold,
    EventList,
    EventTold,
    ReasonTold,
    RequestLineTold,
    RequestList,
    RequestShown,
    RequestTold,
    RetryTold,
    WarningTold,
)
from web.api.office_models import StretchTold, TimingTold
from web.request_timing import timing
from workflow.command_form import NAME_LONGEST
from workflow.definition_model import Definition
from workflow.digits import whole
from workflow.evidence_handed_out import hand_out
from workflow.listing import RequestFilter
from workflow.office import Office
from workflow.open_warnings import as_json, open_warnings
from workflow.openings import has_to_open, note_opening
from workflow.particulars import particulars
from workflow.reading import DocumentView, RequestView
from workflow.tokens import DOCUMENTS, READ
from workflow.ways import Way, ways

MOST: Final = 500
ETAG: Final = header("The request's version, to be sent back as `If-Match`.")
_PLAIN: Final = "^[^\\u0000-\\u001f\\u007f]*$"
_FILE_NAME = re.compile("[A-Za-z0-9._-]{1,80}")

Number = Annotated[int, Path(ge=1, le=NUMBER_MOST, description="The request's number.", examples=[12])]
Named = Annotated[str | None, Query(min_length=1, max_length=NAME_LONGEST, pattern=_PLAIN)]
Principal = Annotated[
    str | None,
    Query(min_length=1, max_length=NAME_LONGEST, pattern=_PLAIN, description="As this person's substitute."),
]

router = APIRouter(route_class=Operation)


@router.get(
    "/requests",
    openapi_extra=needs(READ),
    responses={
        200: {
            "headers": {"Link": header('The next page, as rel="next".')},
            "links": links("$response.body#/requests/0/id"),
        },
        **errors(),
    },
)
def list_requests(
    *,
    request: Request,
    response: Response,
    caller: Caller,
    office: TheOffice,
    state: Named = None,
    key: Named = None,
    variant: Named = None,
    unit: Named = None,
    reference: Named = None,
    text: Annotated[
        str | None,
        Query(max_length=200, description="A number, or how a reference or the requester's name begins."),
    ] = None,
    status: Annotated[
        Literal["open", "closed"] | None, Query(description="Those that go on, or not.")
    ] = None,
    cursor: Annotated[
        str | None, Query(max_length=60, description="As the list before has it, in next.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
) -> RequestList:
    """List the requests that the person may see, newest first."""
    wanted = RequestFilter(
        state=state,
        key=key,
        variant=variant,
        unit=unit,
        reference=reference,
        text=text or None,
        closed=None if status is None else status == "closed",
        below=None if cursor is None else _below(cursor),
    )
    found = office.engine.requests(caller.person, wanted, limit=limit + 1)
    page = [RequestLineTold.model_validate(one) for one in found[:limit]]
    following = None
    if len(found) > limit:
        query = {**request.query_params, "cursor": _cursor(page[-1].id)}
        following = f"{BASE}/requests?{urlencode(query)}"
        response.headers["Link"] = f'<{following}>; rel="next"'
    return RequestList(requests=page, next=following)


@router.get(
    "/requests/{number}",
    openapi_extra=needs(READ),
    responses={200: {"headers": {"ETag": ETAG}}, **errors(*OBJECT)},
)
def show_request(
    response: Response, number: Number, caller: Caller, office: TheOffice, on_behalf_of: Principal = None
) -> RequestShown:
    """Show a request, what the person can do with it now, and for all else every reason why not."""
    view = office.engine.show(number, caller.person)
    with office.store.read() as session:
        definition = office.engine.definition(session, view.definition_sha256)
        retry = next((one for one in office.jobs.retries(session) if one.ref.request_id == view.id), None)
    found = ways(office.engine, view, definition, caller.person, on_behalf_of)
    response.headers["ETag"] = f'"{view.version}"'
    return RequestShown(
        request=_told(view, found, None if retry is None else RetryTold.model_validate(retry)),
        can=[_can(one, view, definition) for one in found if one.possible],
        cannot=[_cannot(one) for one in found if not one.possible],
        warnings=[WarningTold(**as_json(one)) for one in open_warnings(office, view, definition)],
    )


@router.get("/requests/{number}/events", openapi_extra=needs(READ), responses=errors(*OBJECT))
def list_events(number: Number, caller: Caller, office: TheOffice) -> EventList:
    """List what happened to a request, in order."""
    view = office.engine.show(number, caller.person)
    return EventList(events=[EventTold.model_validate(one) for one in view.history])


@router.get("/requests/{number}/timing", openapi_extra=needs(READ), responses=errors(*OBJECT))
def show_timing(number: Number, caller: Caller, office: TheOffice) -> TimingTold:
    """Tell how long a request has taken so far: waiting, on a desk, being worked on, with others."""
    view = office.engine.show(number, caller.person)
    found = timing(view.history, now=office.clock(), closed_at=view.closed_at)
    if found is None:
        return TimingTold(lead_s=None, stretches=[])
    stretches = [
        StretchTold(state=one.state, seconds={kind.value: took for kind, took in one.seconds.items()})
        for one in found.stretches
    ]
    return TimingTold(lead_s=found.lead.total_seconds(), stretches=stretches)


@router.get("/requests/{number}/documents", openapi_extra=needs(DOCUMENTS), responses=errors(*OBJECT))
def list_documents(number: Number, caller: Caller, office: TheOffice) -> DocumentList:
    """List the documents of a request, as they are now."""
    view = office.engine.show(number, caller.person)
    return DocumentList(documents=[DocumentTold.model_validate(one) for one in view.documents])


@router.get("/requests/{number}/documents/{name}", openapi_extra=needs(DOCUMENTS), responses=errors(*OBJECT))
def show_document(
    number: Number,
    name: Annotated[str, Path(max_length=NAME_LONGEST, examples=["declaration"])],
    caller: Caller,
    office: TheOffice,
) -> DocumentTold:
    """Show what is known of a document."""
    return DocumentTold.model_validate(_document(office, number, name, caller.person))


@router.get(
    "/requests/{number}/documents/{name}/pdf",
    openapi_extra=needs(DOCUMENTS),
    response_class=Response,
    responses={
        200: {
            "description": "The file.",
            "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}},
            "headers": {"ETag": header("The file's SHA-256.")},
        },
        304: {"description": "It is the one that was named in If-None-Match."},
        **errors(*OBJECT),
    },
)
def get_pdf(
    number: Number,
    name: Annotated[str, Path(max_length=NAME_LONGEST, examples=["declaration"])],
    caller: Caller,
    office: TheOffice,
    if_none_match: Annotated[str | None, Header(max_length=1000)] = None,
) -> Response:
    """Give out a document's file as it is now."""
    document = _document(office, number, name, caller.person)
    etag = f'"{document.current_sha256}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    opening = (office, number, document.name, document.current_sha256, caller.person)
    if if_none_match is not None and etag in if_none_match and not has_to_open(*opening):
        return Response(status_code=304, headers=headers)
    named = document.number if _FILE_NAME.fullmatch(document.number) else "document"
    headers["Content-Disposition"] = f'attachment; filename="{named}.pdf"'
    pdf = office.blobs.get(document.current_sha256)
    note_opening(*opening)
    return Response(pdf, headers=headers, media_type="application/pdf")


@router.get(
    "/requests/{number}/evidence",
    openapi_extra=needs(DOCUMENTS),
    response_class=Response,
    responses={
        200: {
            "description": "The package, to be checked by `paraaf evidence --check`, or by hand as it says.",
            "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
        },
        **errors(*OBJECT, 409),
    },
)
def get_evidence(
    number: Number,
    caller: Caller,
    office: TheOffice,
    bodies: Annotated[
        Literal["with", "without"], Query(description="Who acted and what they wrote.")
    ] = "without",
) -> Response:
    """Give out everything that proves one request, once it was checked; for who audits it.

    409 until an anchor is over its last event.
    """
    view = office.engine.show(number, caller.person)
    audits = particulars(office, view, caller.person).audits
    if not audits or (bodies == "with" and not view.learns_why_held):
        raise DutyMissing("This is for auditors.", hint="Ask one for the package.")
    with TemporaryFile() as file:
        hand_out(office, number, file, with_bodies=bodies == "with")
        headers = {"Content-Disposition": f'attachment; filename="evidence-{number}.zip"'}
        return Response(file.read(), headers=headers, media_type="application/zip")


def _document(office: Office, number: int, name: str, person: str) -> DocumentView:
    """A document that has a file. Raises NotFound, NothingHere."""
    view = office.engine.show(number, person)
    found = next((one for one in view.documents if one.name == name and one.current_sha256), None)
    if found is None:
        raise NothingHere
    return found


def _told(view: RequestView, found: list[Way], retry: RetryTold | None) -> RequestTold:
    names = RequestTold.model_fields.keys() - {"possible", "retry"}
    values: Mapping[str, Any] = asdict(view)
    possible = [one.trigger for one in found if one.possible]
    return RequestTold(**{name: values[name] for name in names}, possible=possible, retry=retry)


def _can(way: Way, view: RequestView, definition: Definition) -> CanTold:
    consent = None
    if way.consent is not None:
        language, text = definition.consent_in(way.consent, view.language)
        consent = ConsentTold(name=way.consent, language=language, text=text)
    return CanTold(
        trigger=way.trigger,
        remark=way.remark,
        consent=consent,
        proof=way.proof,
        facts=list(way.facts),
        sections=list(way.sections),
        file=way.file,
    )


def _cannot(way: Way) -> CannotTold:
    reasons = [ReasonTold.model_validate(reason) for reason in way.reasons]
    return CannotTold(trigger=way.trigger, reasons=reasons)


def _cursor(below: int) -> str:
    return urlsafe_b64encode(f"below {below}".encode()).decode().rstrip("=")


def _below(cursor: str) -> int:
    """What a cursor stands for. Raises Misshapen."""
    try:
        word, _, number = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition(" ")
    except ValueError:
        word, number = "", ""
    below = whole(number, NUMBER_MOST)
    if word != "below" or below is None:
        raise Misshapen([wrong("This is no cursor: take it from `next`.", "cursor")])
    return below
