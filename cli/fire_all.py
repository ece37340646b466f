"""`paraaf fire-all`: do the same with many requests, as somebody: each has its result, none stops another."""

import argparse
import json
import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.errors import InputUnreadable
from cli.files import read_input
from cli.folder import add_data_option, add_json_option, add_person_option, office_of
from cli.people_password import asked_proof
from cli.printing import counted, print_json, printable
from workflow import many
from workflow.commands import Answer, Command
from workflow.definition import Definition
from workflow.errors import Refused, WorkflowError
from workflow.judge import VERBS
from workflow.proofs import Proof

if TYPE_CHECKING:
    from workflow.office import Office  # a second to import, which help and wrong calls need not wait for

_EPILOG = """FILE is what `paraaf queue --as WHO --json` printed, or a part of it: it says which version of
each request was seen. Tasks in whose state TRIGGER is not offered are left out, and counted.
exit status: 0 all done, or done before under the same --key; 1 at least one was refused, with every
reason."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf fire-all`."""
    parser = subparsers.add_parser(
        "fire-all",
        description="Do the same with many requests: approve them, or release their seals. Each is judged by"
        " itself: one that is refused stops no other.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("trigger", metavar="TRIGGER", help="what to do")
    add_person_option(parser, "who does it; as a substitute, where the task says for whom")
    parser.add_argument(
        "--tasks", type=Path, required=True, metavar="FILE", help="the tasks, as JSON; - reads stdin"
    )
    parser.add_argument("--remark", metavar="TEXT", help="why; a return needs it")
    parser.add_argument("--consent", action="store_true", help="accept the text that is asked for")
    parser.add_argument(
        "--password-file",
        type=Path,
        metavar="FILE",
        help="with --consent: one's password, where a process asks for it anew; once for all. Without it, a"
        " terminal is asked",
    )
    parser.add_argument(
        "--key", metavar="K", help="idempotency key: repeated with the same key, each is done once"
    )
    add_data_option(parser)
    add_json_option(parser)


@dataclass(frozen=True)
class _Task:
    """One of the tasks in the file, as it was seen."""

    request: int
    version: int
    state: str
    principal: str | None
    definition: Definition | None
    """None for a request that is not there, or whose definition can't be read: the engine says so."""

    def offered(self, trigger: str) -> bool:
        """Whether its state offers this, as far as can be told."""
        if self.definition is None or trigger in VERBS:
            return True
        state = self.definition.states.get(self.state)
        return state is not None and trigger in state.triggers

    def consent(self, trigger: str) -> str | None:
        """The name of the text that goes with it."""
        if self.definition is None or trigger in VERBS:
            return None
        return self.definition.states[self.state].triggers[trigger].consent


def run(args: argparse.Namespace) -> int:
    """Do it, and tell what came of each."""
    with office_of(args) as office:
        listed = _listed(args.tasks)
        offered = [one for one in _tasks(office, listed) if one.offered(args.trigger)]
        proof = _proof(office, args, offered)
        told = many.do_all(office.engine, _commands(args, offered, proof))
    refused = sum(isinstance(one, WorkflowError) for one in told)
    left_out = len(listed) - len(offered)
    if args.json:
        print_json(
            {"results": [_json(*each) for each in zip(offered, told, strict=True)], "left_out": left_out}
        )
    else:
        _tell(offered, told, args.trigger, left_out)
    return 1 if refused else 0


def _listed(file: Path) -> list[Mapping[str, Any]]:
    """The tasks in a file. Raises InputUnreadable."""
    hint = "Give what `paraaf queue --as WHO --json` printed."
    try:
        said = json.loads(read_input(file))
    except (ValueError, RecursionError) as error:
        raise InputUnreadable(f"{file} is not well-formed JSON: {error}.", hint=hint) from error
    tasks = said.get("tasks") if isinstance(said, dict) else None
    wanted = {"request_id": int, "version": int, "key": str, "variant": str, "state": str}
    if not isinstance(tasks, list) or not all(_has(one, wanted) for one in tasks):
        raise InputUnreadable(f"{file} holds no list of tasks.", hint=hint)
    numbers = [one["request_id"] for one in tasks]
    if len(set(numbers)) != len(numbers):
        raise InputUnreadable(f"{file} names a request twice.", hint=hint)
    return tasks


def _has(task: object, wanted: Mapping[str, type]) -> bool:
    return isinstance(task, dict) and all(type(task.get(name)) is kind for name, kind in wanted.items())


def _tasks(office: "Office", listed: Sequence[Mapping[str, Any]]) -> Iterator[_Task]:
    """The tasks, with the definitions that their requests are pinned to."""
    pinned = many.definitions_of(office.engine, [one["request_id"] for one in listed])
    for one in listed:
        number, principal = one["request_id"], one.get("on_behalf_of")
        yield _Task(number, one["version"], one["state"], principal, pinned.get(number))


def _commands(args: argparse.Namespace, tasks: Sequence[_Task], proof: Proof | None) -> list[Command]:
    wish = Command(
        trigger=args.trigger,
        actor=args.who,
        key=f"fire-all:{args.key or secrets.token_hex(16)}",
        remark=args.remark,
        through="command-line",
    )
    accepted = {one.request: one.consent(args.trigger) for one in tasks if args.consent}
    own = {number: {"consent": text, "proof": proof} for number, text in accepted.items() if text}
    picked = [many.Picked(one.request, one.version, one.principal) for one in tasks]
    return many.commands_for(wish, picked, own)


def _proof(office: "Office", args: argparse.Namespace, tasks: Sequence[_Task]) -> Proof | None:
    """What shows that it is they who consent, once for all that ask for it; None where none does.

    Raises as `asked_proof`.
    """
    asking = {
        one.request: one.version
        for one in tasks
        if one.definition and one.consent(args.trigger) and office.engine.asks_proof(one.definition)
    }
    return asked_proof(office, args, asking, asked=args.consent)


def _json(task: _Task, told: Answer | WorkflowError) -> dict[str, Any]:
    if isinstance(told, Answer):
        return {"request": task.request, "answer": asdict(told)}
    reasons = [asdict(one) for one in told.reasons] if isinstance(told, Refused) else []
    error = {"code": told.code, "message": str(told), "hint": told.hint, "reasons": reasons}
    return {"request": task.request, "error": error}


def _tell(
    tasks: Sequence[_Task], told: Sequence[Answer | WorkflowError], trigger: str, left_out: int
) -> None:
    """Each that was refused with its reasons; those that were done as a number."""
    done = [one for one in told if isinstance(one, Answer)]
    for task, one in zip(tasks, told, strict=True):
        if isinstance(one, Answer):
            continue
        print(f"Request {task.request}: not done.", file=sys.stderr)
        for reason in one.reasons if isinstance(one, Refused) else [one]:
            print(f"        - {printable(str(reason))}", file=sys.stderr)
    repeated = sum(one.repeated for one in done)
    again = f", {repeated} of them before, under this key" if repeated else ""
    refused = f"; {counted(len(told) - len(done), 'request')} refused" if len(done) < len(told) else ""
    out = f"; {counted(left_out, 'task')} left out, where {trigger!r} is not offered" if left_out else ""
    print(printable(f"{trigger}: done with {counted(len(done), 'request')}{again}{refused}{out}."))
