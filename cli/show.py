"""`paraaf show`: one request, what somebody can do with it, and why they can't do the rest."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.errors import ChoiceNeeded
from cli.files import require_room, write_whole
from cli.folder import add_data_option, add_json_option, add_person_option, office_of
from cli.printing import NOTHING, aligned, holds_named, minute, print_json, printable, second
from documents.errors import FieldProblem
from workflow.definition import Definition
from workflow.dotted import flat
from workflow.incidents import what_to_do
from workflow.open_warnings import as_json, how_to_settle, open_warnings
from workflow.openings import note_opening
from workflow.reading import HistoryEntry, RequestView

if TYPE_CHECKING:
    from workflow.jobs import Retry  # a second to import, which help and wrong calls need not wait for
    from workflow.office import Office
    from workflow.ways import Way


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf show`."""
    parser = subparsers.add_parser(
        "show",
        description="A request as somebody sees it: its data, documents and history, what they can do with it"
        " now, and for everything else why not.",
    )
    parser.add_argument("request", type=int, metavar="N", help="the request's number")
    add_person_option(parser, "who looks; an auditor sees every request")
    parser.add_argument("--for", dest="principal", metavar="PRINCIPAL", help="as this person's substitute")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE.pdf", help="write its document to this file"
    )
    parser.add_argument("--force", action="store_true", help="overwrite that file")
    add_data_option(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Print the request, and write its document when asked."""
    from workflow.ways import ways  # noqa: PLC0415  as said above

    if args.output is not None:
        require_room(args.output, force=args.force)
    with office_of(args) as office:
        view = office.engine.show(args.request, args.who)
        with office.store.read() as session:
            definition = office.engine.definition(session, view.definition_sha256)
            retry = next((r for r in office.jobs.retries(session) if r.ref.request_id == view.id), None)
        found = ways(office.engine, view, definition, args.who, args.principal)
        warnings = open_warnings(office, view, definition)
        if args.output is not None:
            write_whole(args.output, _document(office, view), force=args.force)
            shown = view.documents[-1]
            note_opening(office, view.id, shown.name, shown.current_sha256, args.who)
    if args.json:
        print_json(_json(view, definition, found, retry) | {"warnings": [as_json(one) for one in warnings]})
        return 0
    print("\n".join(_text(view, definition, found, warnings, args.who, retry=retry)))
    if args.output is not None:
        print(f"\nWritten: {args.output}")
    return 0


def _document(office: "Office", view: RequestView) -> bytes:
    if not view.documents:
        raise ChoiceNeeded(
            f"Request {view.id} has no document yet.", hint="It is made once the request has been approved."
        )
    return office.blobs.get(view.documents[-1].current_sha256)


def _json(
    view: RequestView, definition: Definition, found: "Sequence[Way]", retry: "Retry | None"
) -> dict[str, Any]:
    request = asdict(view)
    request["retry"] = retry and {"code": retry.code, "tries": retry.tries, "next_at": retry.next_at}
    request["possible"] = [way.trigger for way in found if not way.reasons]
    return {
        "request": request,
        "can": [
            {
                "trigger": way.trigger,
                "remark": way.remark,
                "consent": _consent(definition, way, view.language),
                "facts": list(way.facts),
                "sections": list(way.sections),
            }
            for way in found
            if not way.reasons
        ],
        "cannot": [
            {"trigger": way.trigger, "reasons": [asdict(reason) for reason in way.reasons]}
            for way in found
            if way.reasons
        ],
    }


def _consent(definition: Definition, way: "Way", language: str) -> dict[str, str] | None:
    if way.consent is None:
        return None
    shown, text = definition.consent_in(way.consent, language)
    return {"name": way.consent, "language": shown, "text": text}


def _text(
    view: RequestView,
    definition: Definition,
    found: "Sequence[Way]",
    warnings: Sequence[FieldProblem],
    who: str,
    *,
    retry: "Retry | None",
) -> Iterator[str]:
    yield f"Request {view.id}: {definition.title}"
    yield from aligned(list(_head(view, definition)), indent="  ")
    for document in view.documents:
        unsigned = "no signature needed" if definition.is_unsigned else "not signed"
        level = f"signed, {document.level_reached}" if document.level_reached else unsigned
        number = document.number or "destroyed"
        yield f"  document   {number}, {document.kind}, revision {document.revision_no}, {level}"
    if view.incident is not None:
        incident = view.incident
        yield f"  incident   {incident.step} was given up {minute(incident.opened_at)}: {incident.message}"
    if retry is not None:
        yield f"  retry      {retry.code}: tries {retry.tries}, the next at {second(retry.next_at)} UTC"
        yield f"             what to do: {what_to_do(retry.code)}"
    yield "\nData"
    yield from aligned(_fields(view.data), indent="  ")
    if view.draft is not None:
        yield f"\nYour draft, saved {minute(view.draft.saved_at)} UTC (--draft sends it)"
        yield from aligned(_fields(view.draft.data), indent="  ")
        if view.draft.remark is not None:
            yield f"  remark: {printable(view.draft.remark)}"
    if warnings:
        yield "\nTo be settled before signing"
        yield from (f"  {printable(str(one))} {how_to_settle(one.rule)}" for one in warnings)
    yield "\nHistory (UTC)"
    yield from aligned([_event(entry) for entry in view.history], indent="  ")
    can = [way for way in found if not way.reasons]
    ended = {reason for way in found for reason in way.reasons if reason.code == "ended"}
    if ended:  # nothing else stands in the way that could be settled
        yield f"\n{who} can do nothing with it. {' '.join(map(str, ended))}"
        return
    yield f"\n{who} can" if can else f"\n{who} can do nothing with it now"
    yield from (
        aligned([(way.trigger, _asks(way, definition, view.language)) for way in can], indent="  ")
        if can
        else ()
    )
    yield f"\n{who} can't"
    yield from aligned(
        [(way.trigger, " ".join(map(str, way.reasons))) for way in found if way.reasons], indent="  "
    )


def _head(view: RequestView, definition: Definition) -> Iterator[tuple[str, str]]:
    state = definition.states[view.state]
    where = (
        definition.roles[state.role] if state.role else f"automatic step: {state.auto}" if state.auto else ""
    )
    language = "" if view.destroyed_at else f", {view.language}"
    yield "process", f"{view.key} {view.variant}{language}"
    yield "state", f"{view.state} ({where})" if where else view.state
    yield "version", str(view.version)
    yield "requester", f"{view.requester_id or NOTHING}, {view.unit}"
    if view.reference is not None:
        yield "reference", view.reference
    yield "opened", f"{minute(view.opened_at)} UTC"
    if view.claimed_by is not None:
        yield "held by", view.claimed_by
    if view.suspended_at is not None:
        yield "suspended", f"{minute(view.suspended_at)} UTC"
    if view.closed_at is not None:
        yield "closed", f"{minute(view.closed_at)} UTC, {view.outcome}"
    if view.holds:
        yield "on hold", f"{holds_named(view.holds)}: it is not destroyed"
    if view.destroyed_at is not None:
        yield "destroyed", f"{minute(view.destroyed_at)} UTC, at the end of its term"


def _fields(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, _value(value)) for name, value in flat(data)] or [("nothing", "")]


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).replace("\n", " / ")


def _event(entry: HistoryEntry) -> tuple[str, str, str, str]:
    record, body = entry.record, entry.body or {}
    moved = f"{record['from']} → {record['to']}" if "from" in record else record.get("state", "")
    who = body.get("actor", "")
    if "on_behalf_of" in body:
        who = f"{who} for {body['on_behalf_of']}"
    said = [str(body[name]) for name in ("remark", "message") if name in body]
    if "consent" in body:
        said.append(_accepted(body))
    said += [f"{name} {value}" for name, value in body.get("facts", {}).items()]
    at = entry.at[:16].replace("T", " ")
    return at, entry.type.replace("_", " "), who, "; ".join([moved, *said])


def _accepted(body: Mapping[str, Any]) -> str:
    """Which text somebody accepted, where, and how they showed who they are; of old events, what they say."""
    said = f"accepted “{body['consent']}” ({body.get('consent_language', '')})"
    if "consent_sha256" in body:
        said += f", SHA-256 {body['consent_sha256']}, through {body['consent_through']}"
    shown = body.get("reauthenticated")
    return f"{said}, showed who they are by {shown['method']} at {shown['at']}" if shown else said


def _asks(way: "Way", definition: Definition, language: str) -> str:
    """What has to be said along, as it is typed."""
    asked = ["--remark TEXT"] if way.remark else []
    asked += [f"--fact {name}=…" for name in way.facts]
    if way.consent is not None:
        asked.append(f"--consent, to “{definition.consent_in(way.consent, language)[1]}”")
    if way.sections:
        asked.append(f"(may change: {', '.join(way.sections)})")
    return " ".join(asked)
