"""The `paraaf` command: finds the subcommand, runs it, and turns a Problem into one clear line."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from problem import Problem

# Each module has add_parser(subparsers) and run(args) -> exit status.
COMMANDS = (
    "demo",
    "serve",
    "worker",
    "submit",
    "queue",
    "show",
    "fire",
    "sign",
    "verify",
    "throughput",
    "log",
    "definitions",
)

Run = Callable[[argparse.Namespace], int]


def parser() -> argparse.ArgumentParser:
    """The whole command line, as `paraaf --help` shows it."""
    top = argparse.ArgumentParser(
        prog="paraaf",
        description="Requests from intake to a signed, timed, verifiable PDF.",
        epilog="The data folder is ./data, or PARAAF_DATA.",
    )
    subparsers = top.add_subparsers(metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = import_module(f"cli.{name}")
        module.add_parser(subparsers)
        subparsers.choices[name].set_defaults(run=module.run)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 is success, 2 a wrong call, 1 anything refused (verify has its own three)."""
    args = parser().parse_args(argv)
    run: Run = args.run
    try:
        return run(args)
    except Problem as problem:
        _tell(problem, as_json=getattr(args, "json", False))
        return 1
    except BrokenPipeError:
        sys.stderr.close()  # the reader has gone; say nothing on the way out
        return 1
    except KeyboardInterrupt:
        return 130


def _tell(problem: Problem, *, as_json: bool) -> None:
    if as_json:
        error = {"code": problem.code, "message": str(problem), "hint": problem.hint}
        print(json.dumps({"error": error}, ensure_ascii=False))
        return
    print(f"paraaf: {problem}", file=sys.stderr)
    if problem.hint:
        print(f"        {problem.hint}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
