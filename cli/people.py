"""`paraaf people`: who works here in which role, the register they come from, and who stands in for whom."""

import argparse
import os
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from certs.authority import DevelopmentAuthority
from cli.errors import ChoiceNeeded
from cli.files import make_folder, read_input, write_whole
from cli.folder import (
    AUTHORITY,
    REGISTER_FILE,
    TRUST_FILE,
    add_data_option,
    add_json_option,
    require_keys,
    require_office,
)
from cli.people_means import REMOVE_CODES, REMOVE_PASSKEYS, add_means, remove_codes, remove_passkeys
from cli.people_password import add_password, change_password
from cli.printing import aligned, counted, print_json
from documents.register import Register
from workflow import identity
from workflow.definition import load_folder
from workflow.judge import office_day
from workflow.names import known_names
from workflow.people import Change, update_people
from workflow.store import Store
from workflow.substitutes import Substitution, end_substitutions, name_substitute
from workflow.tables import Grant, Person, Substitute

FEW = 5
"""So many may leave by any register: a tenth of a small office is nobody."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf people`."""
    parser = subparsers.add_parser(
        "people",
        description="List people with their roles and who stands in for them. --register loads an HR register"
        " first; --substitute lets somebody stand in for somebody else; password sets"
        " somebody's password; remove-codes and remove-passkeys take away with what they sign in beside it.",
    )
    add_data_option(parser)
    parser.add_argument(
        "--register", type=Path, metavar="FILE.csv", help="load people from this HR register, and keep a copy"
    )
    parser.add_argument(
        "--many-leave",
        action="store_true",
        help=f"with --register: more than {FEW} and more than a tenth of the people may leave by it",
    )
    parser.add_argument("--substitute", metavar="WHO", help="who will stand in")
    parser.add_argument("--for", dest="principal", metavar="WHO", help="for whom")
    parser.add_argument("--from", dest="first", type=day, metavar="DAY", help="first day, such as 2026-11-20")
    parser.add_argument("--until", dest="last", type=day, metavar="DAY", help="last day, included")
    parser.add_argument("--role", help="in this role only (default: in all of their roles)")
    parser.add_argument(
        "--end-substitute",
        dest="ended",
        metavar="WHO",
        help="who no longer stands in, --for whom, from today on",
    )
    add_json_option(parser)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=False)
    add_password(verbs)
    add_means(verbs)


_VERBS = {
    "password": change_password,
    REMOVE_CODES: remove_codes,
    REMOVE_PASSKEYS: remove_passkeys,
}


def run(args: argparse.Namespace) -> int:
    """Load, record, or list."""
    if args.register is not None and args.verb is None:
        return _load(args)
    if args.many_leave:
        raise ChoiceNeeded("--many-leave goes with --register.", hint="Name the register, or leave it out.")
    require_office(args.data)
    with closing(Store.open(args.data, make=False)) as store:
        if args.verb is not None:
            _require_same(store, args.data)
            return _VERBS[args.verb](store, args)
        if args.ended is not None:
            _require_same(store, args.data)
            return _end(store, args)
        if any((args.substitute, args.principal, args.first, args.last, args.role)):
            _require_same(store, args.data)
            return _substitute(store, args)
        with store.read() as session:
            people, swaps = _people(session), _swaps(session)
    if args.json:
        print_json({"people": people, "substitutes": swaps})
    else:
        _tell(people, swaps)
    return 0


def _require_same(store: Store, folder: Path) -> None:
    """Refuse to write into another office's database. Raises NoOffice, WrongOffice."""
    require_keys(folder)
    root = DevelopmentAuthority.open(folder / AUTHORITY).root_sha256
    with store.read() as session:
        identity.require_same(session, folder, root)


def day(text: str) -> date:
    """A day for argparse."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"“{text}” is not a day such as 2026-11-20") from None


def _load(args: argparse.Namespace) -> int:
    """Check the register, then bring people and the folder's copy in line with it, both or neither."""
    register = Register.load(args.register)
    content = read_input(args.register)
    make_folder(args.data, mode=0o700)  # of an office whose database is elsewhere nobody has made it yet
    identity.require_database(args.data, os.environ)
    is_new = not (args.data / AUTHORITY).is_dir()
    with closing(Store.open(args.data)) as store:
        identity.require_unmade(store, args.data / AUTHORITY)
        authority = DevelopmentAuthority.open_or_create(args.data / AUTHORITY, now=datetime.now(UTC))
        identity.settle(store, args.data, authority.root_sha256, now=datetime.now(UTC))
        with store.write() as session:
            change = update_people(session, register, now=datetime.now(UTC))
            if not args.many_leave:
                _require_few_leave(change)
            # refused: nothing is committed either
            write_whole(args.data / REGISTER_FILE, content, force=True, private=True)
    trust = args.data / TRUST_FILE
    make_folder(trust.parent)
    write_whole(trust, authority.root_pem, force=True)
    if args.json:
        counts = {name: getattr(change, name) for name in ("loaded", "joined", "changed", "left")}
        print_json({**counts, "new_office": is_new})
    else:
        if is_new:
            print(f"A new office, with new keys, was made in {args.data}.")
        people = counted(change.loaded, "person").replace("persons", "people")
        told = f"{change.joined} joined, {change.changed} changed, {change.left} left"
        print(f"{people} loaded from {args.register}: {told}.")
        print(f"The root certificate to trust: {trust}")
    return 0


def _require_few_leave(change: Change) -> None:
    """Refuse what may be a part of a register. Raises ChoiceNeeded."""
    if change.left > FEW and change.left * 10 > change.before:
        raise ChoiceNeeded(
            f"By this register {change.left} of {change.before} people would leave: it may not be whole."
            " Nothing was changed.",
            hint="Look at the file. If they have left, add --many-leave.",
        )


def _substitute(store: Store, args: argparse.Namespace) -> int:
    if None in (args.substitute, args.principal, args.first, args.last):
        raise ChoiceNeeded(
            "Standing in needs --substitute, --for, --from and --until.",
            hint="paraaf people --substitute P020 --for P038 --from 2026-12-01 --until 2026-12-14",
        )
    _require_role(args.role)
    wanted = Substitution(args.substitute, args.principal, args.role, args.first, args.last)
    with store.write() as session:
        name_substitute(session, wanted, now=datetime.now(UTC))
    if args.json:
        print_json({"substitute": _swap(args.substitute, args.principal, args.role, args.first, args.last)})
    else:
        role = f" as {args.role}" if args.role else ""
        print(f"{args.substitute} stands in for {args.principal}{role} from {args.first} until {args.last}.")
    return 0


def _end(store: Store, args: argparse.Namespace) -> int:
    if args.principal is None or any((args.substitute, args.first, args.last)):
        raise ChoiceNeeded(
            "Ending needs --end-substitute and --for, and takes --role at most.",
            hint="paraaf people --end-substitute P020 --for P038",
        )
    _require_role(args.role)
    now = datetime.now(UTC)
    today = max(office_day(definition, now) for definition in load_folder(names=known_names()).all)
    with store.write() as session:
        ended = end_substitutions(session, args.ended, args.principal, args.role, today=today, now=now)
    if args.json:
        print_json(
            {"ended": [_swap(args.ended, args.principal, one.role, one.first, one.last) for one in ended]}
        )
    else:
        for one in ended:
            role = f" as {one.role}" if one.role else ""
            print(f"{args.ended} no longer stands in for {args.principal}{role}.")
    return 0


def _require_role(role: str | None) -> None:
    roles = {name for definition in load_folder(names=known_names()).all for name in definition.roles}
    if role is not None and role not in roles:
        raise ChoiceNeeded(
            f"No process has the role {role!r}.", hint=f"Roles are: {', '.join(sorted(roles))}."
        )


def _people(session: Session) -> list[dict[str, Any]]:
    """Active people, by id, with their roles; "in" is the unit, null for all."""
    roles: dict[str, list[dict[str, str | None]]] = {}
    for grant in session.execute(select(Grant.person_id, Grant.role, Grant.unit).order_by(Grant.role)):
        roles.setdefault(grant.person_id, []).append({"role": grant.role, "in": grant.unit})
    rows = session.scalars(select(Person).where(Person.active).order_by(Person.id))
    return [
        {"id": one.id, "name": one.name, "unit": one.unit, "roles": roles.get(one.id, [])} for one in rows
    ]


def _swaps(session: Session) -> list[dict[str, Any]]:
    rows = session.scalars(select(Substitute).order_by(Substitute.valid_from, Substitute.id))
    return [
        _swap(one.substitute_id, one.principal_id, one.role, one.valid_from, one.valid_until) for one in rows
    ]


def _swap(substitute: str, principal: str, role: str | None, first: date, last: date) -> dict[str, Any]:
    return {"who": substitute, "for": principal, "role": role, "from": first, "until": last}


def _tell(people: Sequence[dict[str, Any]], swaps: Sequence[dict[str, Any]]) -> None:
    if not people:
        print("Nobody works here yet. Load an HR register: paraaf people --register FILE.csv")
        return
    rows = [("id", "name", "unit", "roles")]
    rows += [(one["id"], one["name"], one["unit"], ", ".join(map(_role, one["roles"]))) for one in people]
    print("\n".join(aligned(rows)))
    for swap in swaps:
        role = f" as {swap['role']}" if swap["role"] else ""
        print(f"{swap['who']} stands in for {swap['for']}{role} from {swap['from']} until {swap['until']}.")


def _role(grant: dict[str, Any]) -> str:
    return grant["role"] if grant["in"] else f"{grant['role']} (everywhere)"
