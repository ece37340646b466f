"""`paraaf incidents`: the steps that failed, what to do about each, and having them tried again."""

import argparse
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from cli.errors import ChoiceNeeded
from cli.folder import add_data_option, add_json_option, office_of
from cli.printing import aligned, counted, minute, print_json, printable, second
from cli.queue import require_known
from problem import Problem
from workflow.commands import Command
from workflow.definition_model import REPAIR
from workflow.errors import Refused
from workflow.incidents import ListedIncident, ListedRetry, listed, retried

if TYPE_CHECKING:
    from workflow.office import Office  # a second to import, which help and wrong calls need not wait for

PEOPLE_SHOWN = 5


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf incidents`."""
    parser = subparsers.add_parser(
        "incidents",
        description="The automatic steps that were given up: what went wrong, what to do, who may have them"
        " tried again; and those that failed and are tried again by themselves: why, how often, when. With"
        " --repair have the first tried again, once the cause is gone; with --try-now the others at once.",
    )
    parser.add_argument(
        "requests", nargs="*", type=int, metavar="N", help="with --repair or --try-now: only these requests"
    )
    parser.add_argument("--all", action="store_true", help="those that are over, too")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--repair", action="store_true", help="have what was given up tried again; needs --as")
    how.add_argument(
        "--try-now", action="store_true", help="have what waits for its next try tried without the wait"
    )
    parser.add_argument(
        "--as", dest="who", metavar="WHO", help="only what this person may see; who has it tried again"
    )
    parser.add_argument(
        "--for", dest="principal", metavar="PRINCIPAL", help="with --repair: as this person's substitute"
    )
    add_data_option(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """List them, or have them tried again."""
    _require_sense(args)
    seen_by = args.principal or args.who
    with office_of(args) as office:
        for known in filter(None, (args.who, args.principal)):
            require_known(office.store, known)
        with office.store.read() as session:
            found = listed(
                session,
                definition_of=office.engine.definition,
                now=office.clock(),
                with_resolved=args.all,
                seen_by=seen_by,
            )
            waiting = retried(
                session,
                office.jobs.retries(session),
                definition_of=office.engine.definition,
                now=office.clock(),
                seen_by=seen_by,
            )
        if args.try_now:
            return _try_now(office, waiting, args.requests, as_json=args.json)
        if args.repair:
            if not found and not args.requests:
                _require_none_elsewhere(office, seen_by)
            numbers = args.requests or [each.request_id for each in found]
            asked = Command(REPAIR, args.who, key="", on_behalf_of=args.principal)
            return _repair(office, asked, list(dict.fromkeys(numbers)), as_json=args.json)
    if args.json:
        print_json(
            {"incidents": [asdict(each) for each in found], "retries": [asdict(each) for each in waiting]}
        )
        return 0
    print("\n".join(_told(found)) if found else "No incidents." if args.all else "No open incidents.")
    if waiting:
        print("\n".join(_told_retries(waiting)))
    return 0


def _require_sense(args: argparse.Namespace) -> None:
    if args.repair and args.who is None:
        raise ChoiceNeeded("A repair is somebody's: it is recorded who asked for it.", hint="Add --as WHO.")
    if args.principal and not args.repair:
        raise ChoiceNeeded("A substitute repairs, and lists as themselves.", hint="Leave --for out.")
    if args.requests and not (args.repair or args.try_now):
        raise ChoiceNeeded(
            "Numbers of requests go with --repair or --try-now.",
            hint="`paraaf show N --as WHO` shows one request.",
        )
    if (args.repair or args.try_now) and args.all:
        raise ChoiceNeeded("What is over is not tried again.", hint="Leave --all out.")


def _require_none_elsewhere(office: "Office", who: str) -> None:
    """Who sees no incident may think that there is none. Raises ChoiceNeeded when there are some."""
    with office.store.read() as session:
        others = listed(session, definition_of=office.engine.definition, now=office.clock())
    if others:
        those = list(dict.fromkeys(person for each in others for person in each.may_repair))
        raise ChoiceNeeded(
            f"{printable(who)} may repair none of the incidents that are open: {len(others)}.",
            hint=f"These may repair some: {_people(those)}. An administrator may repair any.",
        )


def _try_now(
    office: "Office", waiting: Sequence[ListedRetry], numbers: Sequence[int], *, as_json: bool
) -> int:
    """Have each tried at once; 1 when one that was named waits for no try."""
    wanted = {each.request_id for each in waiting}.intersection(
        numbers or (each.request_id for each in waiting)
    )
    with office.store.write() as session:
        done = office.jobs.try_now(session, wanted)
    missed = sorted(set(numbers).difference(done))
    if as_json:
        print_json({"tried": done, "not_waiting": missed})
    else:
        for number in missed:
            print(f"Request {number}: no step of it waits for its next try.")
        print(f"{counted(len(done), 'step')} will be tried at once.")
    return 1 if missed else 0


def _repair(office: "Office", asked: Command, numbers: Sequence[int], *, as_json: bool) -> int:
    """Have each tried again; what is refused for one stops no other."""
    told: list[dict[str, Any]] = []
    for number in numbers:
        command = replace(asked, key=f"repair:{secrets.token_hex(16)}", request_id=number)
        try:
            answer = office.engine.execute(command)
        except Problem as problem:
            reasons = [asdict(each) for each in problem.reasons] if isinstance(problem, Refused) else []
            told.append(
                {"request_id": number, "ok": False, "code": problem.code, "message": str(problem)}
                | {"reasons": reasons}
            )
        else:
            told.append({"request_id": number, "ok": True, "state": answer.state, "version": answer.version})
    refused = sum(not each["ok"] for each in told)
    if as_json:
        print_json({"repairs": told})
    else:
        for each in told:
            print(_result(each))
        print(f"{counted(len(told) - refused, 'step')} will be tried again, {refused} refused.")
    return 1 if refused else 0


def _result(told: dict[str, Any]) -> str:
    number = told["request_id"]
    if told["ok"]:
        return f"Request {number}: a worker tries {told['state']!r} again."
    return printable(f"Request {number}: refused. {told['message']}")


def _told(incidents: Sequence[ListedIncident]) -> Iterator[str]:
    """A table, and below it for each kind of incident what happened and what to do."""
    over = any(each.resolved_at for each in incidents)
    head = ["request", "process", "variant", "unit", "state", "step", "since (UTC)", "code", "may repair"]
    rows = [[*head, *(["over (UTC)", "by"] if over else [])]]
    for each in incidents:
        cells = [str(each.request_id), each.key, each.variant, each.unit, each.state, each.step]
        cells += [minute(each.opened_at), each.code, _people(each.may_repair)]
        if over:
            by = each.resolved_by or ("itself" if each.resolved_at else "")
            cells += [minute(each.resolved_at), by]
        rows.append(cells)
    yield from aligned(rows)
    yield counted(len(incidents), "incident")
    for code, message, advice in dict.fromkeys((e.code, e.message, e.what_to_do) for e in incidents):
        yield ""
        yield printable(f"{code}: {message}")
        yield printable(f"  {advice}; then `paraaf incidents --repair --as WHO`")


def _told_retries(retries: Sequence[ListedRetry]) -> Iterator[str]:
    """The same of what is tried again by itself."""
    yield ""
    rows = [["request", "process", "variant", "unit", "state", "step", "code", "tries", "next try (UTC)"]]
    for each in retries:
        cells = [str(each.request_id), each.key, each.variant, each.unit, each.state, each.step]
        rows.append([*cells, each.code, str(each.tries), second(each.next_at)])
    yield from aligned(rows)
    yield f"{counted(len(retries), 'step')} failed, to be tried again by a worker"
    for code, advice in dict.fromkeys((each.code, each.what_to_do) for each in retries):
        yield ""
        yield printable(f"{code}: {advice}; then `paraaf incidents --try-now`, or wait")


def _people(ids: Sequence[str]) -> str:
    shown = ", ".join(ids[:PEOPLE_SHOWN])
    more = len(ids) - PEOPLE_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown or "nobody"
