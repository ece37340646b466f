"""`paraaf worker`: does the automatic steps of the requests: render, sign, deliver."""

import argparse
import asyncio
import logging

from cli.folder import add_data_option, office_of


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
        asyncio.run(office.work(until_idle=args.until_idle))
    return 0


def log_to_stderr() -> None:
    """Have warnings, such as a step that is tried again, written to standard error with their time."""
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%S%z"
    )
