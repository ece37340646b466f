"""`paraaf worker`: does the automatic steps of the requests: render, sign, deliver."""

import argparse
import asyncio
import logging
import sys
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from sqlalchemy import select

from cli.folder import add_data_option, office_of
from throughput.events import records_since
from workflow.tables import LogHead
from workflow.tracebacks import FormatterWithoutValues, tell_without_values

if TYPE_CHECKING:
    from workflow.office import Office  # a second to import, which help and wrong calls need not wait for


_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "document_rendered": "rendered",
        "document_signed": "signed",
        "document_delivered": "delivered",
        "step_failed": "sent back to a person",
        "incident_opened": "given up until a `repair`",
    }
)


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf worker`."""
    parser = subparsers.add_parser(
        "worker",
        description="Do the automatic steps (render, sign, deliver) until SIGTERM or Ctrl-C; what is in hand"
        " is finished first. Several workers may run at once. The development authority is served along, when"
        " nobody serves it yet.",
    )
    parser.add_argument("--until-idle", action="store_true", help="end when no step is left")
    add_data_option(parser)


def run(args: argparse.Namespace) -> int:
    """Work until told to stop, or until idle."""
    from certs.serve_authority import AuthorityServer  # noqa: PLC0415 (help need not wait for aiohttp)

    log_to_stderr()
    with office_of(args) as office, AuthorityServer(office.authority.folder):
        if not args.until_idle:
            print("Worker ready; Ctrl-C ends it.", flush=True)
        before = _last_event(office)
        asyncio.run(office.work(until_idle=args.until_idle))
        if args.until_idle:
            with office.store.read() as session:
                print(_done(Counter(record["type"] for record in records_since(session, before))))
    return 0


def _last_event(office: "Office") -> int:
    with office.store.read() as session:
        return session.scalars(select(LogHead.seq)).one_or_none() or 0


def _done(events: Mapping[str, int]) -> str:
    """What was done meanwhile, by whichever worker; `Nothing to do.` when nothing was."""
    said = [f"{events[type_]} {word}" for type_, word in _WORDS.items() if events[type_]]
    return f"{', '.join(said)}." if said else "Nothing to do."


def log_to_stderr() -> None:
    """Have warnings, such as a step that is tried again, written to standard error with their time.

    Nothing personal is written: exceptions are told without what they say.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(
        FormatterWithoutValues("%(asctime)s %(levelname)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%S%z")
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    sys.excepthook = tell_without_values
