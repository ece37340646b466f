"""The `paraaf` command: finds the subcommand, runs it, and turns a Problem into one clear line.

Only the module of the command asked for is imported, so that help and wrong calls are answered at once.
"""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import MappingProxyType, ModuleType

from cli.errors import CommandError, DiskRefused
from cli.loading import uncollected
from cli.printing import escape_what_cant_be_shown, print_json
from problem import Problem
from watching import logs, spans

# Each has a module cli.NAME with add_parser(subparsers) and run(args) -> exit status.
COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "demo": "drive sample requests through every step, sign, verify, compare",
        "serve": "keep an office going: its worker and the development authority",
        "worker": "do the automatic steps: render, sign, deliver",
        "people": "show or load the people and their roles, let somebody stand in",
        "tokens": "make, list and revoke tokens of programs that use the API",
        "submit": "hand in requests from CSV or JSON files",
        "queue": "show the tasks that wait for somebody",
        "requests": "list the requests that somebody may see",
        "show": "show a request: its state, its history, what can be done with it",
        "incidents": "show the steps that were given up, have them tried again",
        "fire": "do something with a request: claim, approve, return, sign …",
        "fire-all": "do the same with many requests: approve, release seals …",
        "authorise": "sign with your key at a remote provider, many at once",
        "exchange": "give a document out to be signed elsewhere, take the signed file in",
        "hold": "keep a request from being destroyed, or release it",
        "retention": "show or do what the end of keeping asks: what is destroyed when",
        "renew": "show or renew the archive timestamps whose proof ends soon",
        "sign": "sign any PDF",
        "verify": "judge signed PDFs: authentic as issued, or why not",
        "throughput": "compare the ways of signing: how many, how long, how often right",
        "simulate": "what if requests were signed another way",
        "monitor": "count a month: what began, how it ended, how many met the norm",
        "log": "verify the event log, hold it against definitions, anchor its head",
        "mail": "show or change how often somebody gets mail, test the mail server",
        "webhooks": "tell other systems what happens",
        "export": "write the event log out, for an auditor",
        "evidence": "write what proves one request into one file, or check such a file",
        "certs": "ask for certificates, take them in, change over from key to key",
        "check": "tell whether the office can do its work, and what is wrong",
        "blobs": "read every stored file again, tell what is missing, changed or needless",
        "backup": "copy the whole office into one file, while it runs",
        "restore": "make an office from a backup",
        "upgrade": "bring a database's tables to this release",
        "definitions": "check, show or draw process definitions",
    }
)

Run = Callable[[argparse.Namespace], int]


class _Parser(argparse.ArgumentParser):
    """A parser that takes options by their whole name only: a shortened one could change its meaning."""

    def __init__(self, **settings: object) -> None:
        settings["allow_abbrev"] = False
        super().__init__(**settings)  # type: ignore[arg-type]


class _Version(argparse.Action):
    """Prints the installed version; looked up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version  # noqa: PLC0415

        print(f"paraaf {version('paraaf')}")
        parser.exit()


def module_of(command: str) -> ModuleType:
    """The module of a command."""
    with uncollected():
        return import_module(f"cli.{command.replace('-', '_')}")


def parser(chosen: str | None = None) -> argparse.ArgumentParser:
    """The command line: all commands by name, the chosen one with its options."""
    top = _Parser(
        prog="paraaf",
        usage="paraaf COMMAND [OPTION…]",
        description="Requests from intake to a signed, timed, verifiable PDF.\n\n"
        + "\n".join(f"  {name:<12} {summary}" for name, summary in COMMANDS.items()),
        epilog="The data folder is ./data, or PARAAF_DATA. `paraaf COMMAND --help` tells more.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action=_Version, nargs=0, help="print the version")
    # prog: argparse would begin a command's usage with the usage above
    subparsers = top.add_subparsers(metavar="COMMAND", required=True, prog="paraaf", help=argparse.SUPPRESS)
    for name in COMMANDS:
        if name == chosen:
            module = module_of(name)
            module.add_parser(subparsers)
            subparsers.choices[name].set_defaults(run=module.run)
        else:
            subparsers.add_parser(name)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 is success, 2 a wrong call, 1 anything refused (both verify: their own three)."""
    escape_what_cant_be_shown()
    words = sys.argv[1:] if argv is None else list(argv)
    args = parser(words[0] if words else None).parse_args(words)
    run: Run = args.run
    try:
        logs.start(os.environ)
        spans.start(os.environ)
        return run(args)
    except Problem as problem:
        _tell(problem, as_json=getattr(args, "json", False))
        return problem.status if isinstance(problem, CommandError) else 1
    except BrokenPipeError:
        sys.stderr.close()  # the reader has gone; say nothing on the way out
        return 1
    except OSError as error:  # of a file that no command foresaw
        _tell(DiskRefused.of(error), as_json=getattr(args, "json", False))
        return (
            2 if words[:2] in (["log", "verify"], ["log", "conformance"]) else 1
        )  # where 1 would say that something is wrong
    except KeyboardInterrupt:
        return 130


def _tell(problem: Problem, *, as_json: bool) -> None:
    if as_json:
        error = {"code": problem.code, "message": str(problem), "hint": problem.hint}
        print_json({"error": error}, indent=None)
        return
    print(f"paraaf: {problem}", file=sys.stderr)
    if problem.hint:
        print(f"        {problem.hint}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
