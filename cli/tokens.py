"""`paraaf tokens`: make, list and revoke the tokens of programs that use the API in somebody's name."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cli.folder import add_data_option, add_json_option, add_person_option, office_of
from cli.people_password import asked_password
from cli.printing import aligned, counted, minute, print_json, printable
from workflow.tokens import LONGEST, SCOPES, USUAL, ListedToken

if TYPE_CHECKING:
    from workflow.office import Office  # a second to import, which help and wrong calls need not wait for

_EPILOG = """scopes:{}

A token is shown once, and only its SHA-256 is kept. One makes it for oneself, with one's own password; it may
do what its person may, and no more than its scopes.""".format(
    "".join(f"\n  {name:<16} {meaning}" for name, meaning in SCOPES.items())
)


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf tokens`."""
    parser = subparsers.add_parser(
        "tokens",
        description="Tokens, by which programs use the API in somebody's name.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="make|list|revoke")
    make = verbs.add_parser("make", description="Make a token for oneself. It is printed this once.")
    make.add_argument("name", metavar="NAME", help="which program it is for")
    add_person_option(make, "whose it is, and who makes it")
    make.add_argument(
        "--scope", action="append", required=True, choices=tuple(SCOPES), help="may be repeated"
    )
    make.add_argument(
        "--days",
        type=_days,
        default=USUAL.days,
        metavar="N",
        help=f"how long it is good for (default: {USUAL.days}, at most {LONGEST.days})",
    )
    make.add_argument("--password-file", type=Path, metavar="FILE", help="one's password; - reads stdin")
    listing = verbs.add_parser("list", description="List tokens; those that ended in the last 90 days, too.")
    listing.add_argument("--as", dest="who", metavar="WHO", help="only this person's")
    revoke = verbs.add_parser("revoke", description="Have a token end now.")
    revoke.add_argument("number", type=int, metavar="NUMBER", help="as listed")
    add_person_option(revoke, "who does it: the person, or an administrator of their unit")
    for one in (make, listing, revoke):
        add_data_option(one)
        add_json_option(one)


def run(args: argparse.Namespace) -> int:
    """Make, list or revoke. Raises TokenRefused, and what a password can meet."""
    with office_of(args) as office:
        return {"make": _make, "list": _list, "revoke": _revoke}[args.verb](office, args)


def _make(office: "Office", args: argparse.Namespace) -> int:
    password = asked_password(
        f"Password of {printable(args.who)}", args.password_file, option="--password-file"
    )
    token, made = office.tokens.make(
        args.who, args.name, args.scope, password=password, kept=timedelta(days=args.days)
    )
    if args.json:
        print_json({"token": token, "made": asdict(made)})
    else:
        print(token)
        print(f"Token {made.id}, {printable(made.name)}, until {minute(made.expires_at)} UTC.")
        print("It is not shown again: keep it where programs keep secrets.")
    return 0


def _list(office: "Office", args: argparse.Namespace) -> int:
    found = office.tokens.listed(args.who)
    if args.json:
        print_json({"tokens": [asdict(one) for one in found]})
    elif found:
        print("\n".join(_table(found, office.clock())))
    else:
        print("There are no tokens.")
    return 0


def _revoke(office: "Office", args: argparse.Namespace) -> int:
    revoked = office.tokens.revoke(args.number, by=args.who)
    if args.json:
        print_json({"revoked": asdict(revoked)})
    else:
        print(f"Token {revoked.id} of {printable(revoked.person)} can't be used any more.")
    return 0


def _table(found: Sequence[ListedToken], now: datetime) -> Iterator[str]:
    rows = [("number", "person", "name", "scopes", "made (UTC)", "ends (UTC)", "last used", "")]
    for one in found:
        state = "revoked" if one.revoked_at is not None else "ended" if one.expires_at <= now else ""
        used = one.last_used_on.isoformat() if one.last_used_on is not None else "never"
        cells = (str(one.id), one.person, one.name, " ".join(one.scopes))
        rows.append((*cells, minute(one.made_at), minute(one.expires_at), used, state))
    yield from aligned(rows)
    yield counted(len(found), "token")


def _days(text: str) -> int:
    """A number of days for argparse."""
    if not text.isdecimal() or not 1 <= int(text) <= LONGEST.days:
        raise argparse.ArgumentTypeError(f"give a number from 1 to {LONGEST.days}")
    return int(text)
