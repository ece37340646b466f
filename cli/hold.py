"""`paraaf hold`: keep a request from being destroyed, or release it."""

import argparse
from dataclasses import asdict

from cli.folder import add_data_option, add_json_option, add_person_option, office_of
from cli.printing import holds_named, print_json

_RELEASE_THE_ONLY = 0


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf hold`."""
    parser = subparsers.add_parser(
        "hold",
        description="Keep a request from being destroyed at the end of its term, until the hold is released."
        " Whoever has a role of the process in the request's unit may, but for the requester.",
    )
    parser.add_argument("request", type=int, metavar="N", help="the request's number")
    add_person_option(parser, "who places or releases the hold")
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why; kept in the log")
    parser.add_argument(
        "--release",
        nargs="?",
        type=int,
        const=_RELEASE_THE_ONLY,
        metavar="HOLD",
        help="release this hold; its number can be left out when there is only one",
    )
    add_data_option(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Place or release."""
    with office_of(args) as office:
        if args.release is None:
            held = office.holds.place(args.request, args.who, args.reason)
            repeated = " already" if held.repeated else ""
            said = f"Request {held.request_id} is on hold{repeated}: hold {held.id}."
        else:
            number = None if args.release == _RELEASE_THE_ONLY else args.release
            held = office.holds.release(args.request, args.who, args.reason, hold_id=number)
            left = holds_named(held.left)
            said = f"Hold {held.id} on request {held.request_id} is released. " + (
                f"It stays on hold: {left}." if left else "It is destroyed when it is due."
            )
    if args.json:
        print_json({"hold": asdict(held)})
    else:
        print(said)
    return 0
