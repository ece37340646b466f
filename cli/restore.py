"""`paraaf restore`: makes an office from a backup."""

import argparse
import os
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.ending import orderly_end
from cli.errors import EvidenceUnreadable
from cli.folder import add_data_option, add_json_option
from cli.printing import counted, minute, print_json, printable

if TYPE_CHECKING:
    from workflow.backup import Backup
    from workflow.logcheck import LogReport

_EPILOG = """The file that `paraaf backup` wrote is not signed: --sha256 with the digest that it printed, kept
elsewhere, shows that nobody changed it on purpose.
exit status: 0 the office is whole; 1 it is not, or nothing was restored."""

_LEFT_OUT = "left out, as it is no file of the authority"


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf restore`."""
    parser = subparsers.add_parser(
        "restore",
        description="Make an office from a backup, in a data folder that is empty or not there (and with"
        " PARAAF_DATABASE, in an empty database; as PARAAF_DATABASE_OWNER, when there is one, and then"
        " PARAAF_DATABASE_ROLE gets its rights). Every file is held against its digest, and the event log is"
        " verified, also against the anchors in PARAAF_ANCHORS. What was done after the backup was made is"
        " not in it. For a day nothing is destroyed, so that holds can be placed again.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="FILE.tar", help="a file that `paraaf backup` wrote")
    parser.add_argument(
        "--sha256", type=digest, metavar="HEX", help="refuse the file if this is not its SHA-256"
    )
    parser.add_argument(
        "--same-storage",
        action="store_true",
        help="the files that PARAAF_BLOBS holds already are this very office's, and nobody else uses them",
    )
    parser.add_argument(
        "--clock-is-right",
        action="store_true",
        help="restore although this machine's clock is behind what the backup says: it was ahead then",
    )
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--check", action="store_true", help="only read the file, and tell whether it is whole")
    part.add_argument(
        "--files-only",
        action="store_true",
        help="the database of PARAAF_DATABASE lives: make only the data folder, with the stored files that"
        " are not there",
    )
    add_data_option(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Restore what is asked for, and tell."""
    if args.check:
        return _examined(args)
    return _files_restored(args) if args.files_only else _restored(args)


def _examined(args: argparse.Namespace) -> int:
    """Read the file, and tell what it holds."""
    from workflow.restore import examine  # noqa: PLC0415 (help need not wait for it)

    with orderly_end():
        held = examine(args.file, args.sha256)
    if args.json:
        print_json(_held(held))
    else:
        when, release = printable(held.made_at), printable(held.release)
        state = f"lacks {counted(len(held.faults), 'stored file')}" if held.faults else "is whole"
        print(f"{args.file} {state}: the office as of {when}, release {release}.")
        print(f"{counted(held.blobs, 'stored file')}, {held.size / 1e6:.1f} MB; head of the log {held.head}")
        print(f"SHA-256 {held.sha256}")
        for fault in held.faults:
            print(f"  was not copied: {printable(fault.sha256)}: {printable(fault.why)}")
        for name in held.skipped:
            print(f"  {_LEFT_OUT}: {printable(name)}")
    return 1 if held.faults else 0


def _files_restored(args: argparse.Namespace) -> int:
    """Make the data folder of a database that lives, and tell."""
    from documents.open_blobs import open_blobs  # noqa: PLC0415
    from workflow.restore import restore_files  # noqa: PLC0415
    from workflow.store import Store  # noqa: PLC0415

    with orderly_end(), closing(Store.unopened(args.data)) as store:
        held, files = restore_files(
            args.file,
            folder=args.data,
            store=store,
            blobs=lambda folder: open_blobs(folder, os.environ),
            sha256=args.sha256,
        )
    if args.json:
        print_json({**_held(held), "restored": files})
    else:
        for name in held.skipped:
            print(f"  {_LEFT_OUT}: {printable(name)}")
        print(f"Restored to {args.data}: keys, register and {counted(files, 'stored file')}.")
        print("What was stored after the backup is missing: paraaf check --deep names it.")
    return 0


def _restored(args: argparse.Namespace) -> int:
    """Restore, verify the log, and tell."""
    from documents.open_blobs import open_blobs  # noqa: PLC0415 (help need not wait for it)
    from workflow.restore import restore  # noqa: PLC0415
    from workflow.upgrade import owners_store, require_role  # noqa: PLC0415

    with orderly_end(), closing(owners_store(args.data)) as empty:
        require_role(empty)
        held = restore(
            args.file,
            folder=args.data,
            store=empty,
            blobs=lambda folder: open_blobs(folder, os.environ),
            now=datetime.now(UTC),
            sha256=args.sha256,
            same_storage=args.same_storage,
            clock_is_right=args.clock_is_right,
        )
        database = None if empty.embedded else empty.url.database
    after = _after(args.data, held)
    if args.json:
        print_json({**_json(held, after), "database": database})
    else:
        place = f"{args.data} and the database {printable(database)}" if database else str(args.data)
        print("\n".join(_text(place, held, after)))
    return 0 if after.holds and not held.faults else 1


def digest(text: str) -> str:
    """A SHA-256 for argparse."""
    if not re.fullmatch("[0-9A-Fa-f]{64}", text):
        raise argparse.ArgumentTypeError("a SHA-256 has 64 hex digits")
    return text.lower()


@dataclass(frozen=True)
class _After:
    """What the restored office is like; `waits_until`: nothing is destroyed before."""

    log: "LogReport"
    role: str | None
    waits_until: datetime | None

    @property
    def holds(self) -> bool:
        """Whether the log does; that a later state was anchored is no wonder after a restore, and told."""
        return self.log.ok or self.log.set_back

    @property
    def later(self) -> list[int]:
        """Sequences of events that were anchored, and are not in it."""
        return [one.seq for one in self.log.findings if one.fault == "set-back"]


def _after(folder: Path, held: "Backup") -> _After:
    """Look at the office; raises StoreOutdated, EvidenceUnreadable, and tells that it was restored."""
    from sqlalchemy import select  # noqa: PLC0415

    from cli.outside import kept_outside, trust_of  # noqa: PLC0415
    from workflow.errors import StoreOutdated  # noqa: PLC0415
    from workflow.logcheck import verify  # noqa: PLC0415
    from workflow.store import Store  # noqa: PLC0415
    from workflow.tables import RetentionRow  # noqa: PLC0415
    from workflow.upgrade import give_rights, owners_variable  # noqa: PLC0415

    try:
        outside = [one.head for one in kept_outside(trust_of(folder))]
        with closing(Store.open(folder, variable=owners_variable(), make=False)) as store:
            role = give_rights(store)
            with store.read() as session:
                log = verify(session, anchors=[held.head, *outside])
                return _After(log, role, session.scalar(select(RetentionRow.restored_until)))
    except (StoreOutdated, EvidenceUnreadable) as error:
        raise type(error)(
            f"The office was restored to {folder}, and its log not verified yet. {error}",
            hint=f"{error.hint} Then `paraaf log verify --anchor {held.head}`.",
        ) from error


def _held(held: "Backup") -> dict[str, Any]:
    return {
        "made_at": held.made_at,
        "release": held.release,
        "head": str(held.head),
        "files": held.blobs,
        "sha256": held.sha256,
        "skipped": held.skipped,
        "missing": [{"sha256": one.sha256, "why": one.why} for one in held.faults],
    }


def _json(held: "Backup", after: _After) -> dict[str, Any]:
    return {
        **_held(held),
        "log_ok": after.holds,
        "later_anchors": after.later,
        "waits_until": after.waits_until,
        "role": after.role,
    }


def _text(place: str, held: "Backup", after: _After) -> Iterator[str]:
    when = printable(held.made_at)
    yield f"Restored to {place}: the office as of {when}, {counted(held.blobs, 'stored file')}."
    for fault in held.faults:
        yield f"  was not in the backup: {printable(fault.sha256)}: {printable(fault.why)}"
    for name in held.skipped:
        yield f"  {_LEFT_OUT}: {printable(name)}"
    if after.role:
        yield f"The role {after.role} has its rights."
    if not after.holds:
        yield "The event log does NOT hold: see `paraaf log verify`."
    elif after.log.head == held.head:
        yield f"The event log holds; its head is {held.head}, as in the backup."
    else:
        yield f"The event log holds; its head is {after.log.head}, and that of the backup is {held.head}."
    if after.later:
        yield f"A later state was anchored, up to event {max(after.later)}: this office was set back."
        yield "Put those anchors aside: docs/how-to/back-up-and-restore.md."
    if after.waits_until is not None:
        yield f"Nothing is destroyed before {minute(after.waits_until)} UTC: holds placed since are missing."
        yield "Place them again, then say: paraaf retention --run --clock-is-right"
