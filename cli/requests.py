"""`paraaf requests`: the requests that somebody may see."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from cli.folder import add_data_option, add_json_option, add_person_option, office_of
from cli.printing import aligned, counted, minute, print_json
from cli.queue import limit, require_known
from workflow.listing import RequestFilter, RequestLine


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf requests`."""
    parser = subparsers.add_parser(
        "requests",
        description="The requests that somebody may see, newest first: their own, those of their roles and"
        " units, and those of the people they stand in for; an auditor's are all.",
    )
    add_person_option(parser, "who looks")
    parser.add_argument("--state", help="only in this state")
    parser.add_argument("--key", help="only of this process")
    parser.add_argument("--variant", metavar="V", help="only with this way of signing")
    parser.add_argument("--unit", help="only of this unit")
    parser.add_argument("--reference", metavar="R", help="only with the sender's number R")
    parser.add_argument(
        "--text", metavar="T", help="only this one, or where reference, requester's id or name begin so"
    )
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--open", dest="closed", action="store_const", const=False, help="only open ones")
    either.add_argument("--closed", dest="closed", action="store_const", const=True, help="only ended ones")
    parser.add_argument("--below", type=_number, metavar="N", help="only numbers below N: the next page")
    parser.add_argument("--limit", type=limit, default=50, metavar="N", help="at most so many (default: 50)")
    add_data_option(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Print the list."""
    wanted = RequestFilter(
        args.state, args.key, args.variant, args.unit, args.reference, args.closed, args.below, args.text
    )
    with office_of(args) as office:
        # one more tells whether there is a next page
        found = office.engine.requests(args.who, wanted, limit=args.limit + 1)
        if not found:
            require_known(office.store, args.who)
    page = found[: args.limit]
    more = len(found) > len(page)
    if args.json:
        print_json({"requests": [asdict(line) for line in page], "below": page[-1].id if more else None})
    elif page:
        print("\n".join(_table(page)))
        if more:
            print(f"There are more: --below {page[-1].id}")
    else:
        print(f"There is no such request that {args.who} may see.")
    return 0


def _number(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) < 2**63:
        raise argparse.ArgumentTypeError("give the number of a request")
    return int(text)


def _table(page: Sequence[RequestLine]) -> Iterator[str]:
    head = (
        "request",
        "process",
        "variant",
        "state",
        "requester",
        "unit",
        "reference",
        "opened (UTC)",
        "ended (UTC)",
    )
    yield from aligned([head, *map(_cells, page)])
    yield counted(len(page), "request")


def _mark(line: RequestLine) -> str:
    if line.destroyed_at:
        return " (destroyed)"
    return " (suspended)" if line.suspended_at else ""


def _cells(line: RequestLine) -> Sequence[str]:
    return (
        str(line.id),
        line.key,
        line.variant,
        f"{line.state}{_mark(line)}",
        line.requester_id,
        line.unit,
        line.reference or "",
        minute(line.opened_at),
        minute(line.closed_at) if line.closed_at else "",
    )
