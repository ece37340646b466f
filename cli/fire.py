"""`paraaf fire`: do something with a request, as somebody."""

import argparse
import json
import secrets
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.errors import ChoiceNeeded, InputUnreadable
from cli.files import read_input
from cli.folder import add_data_option, add_json_option, add_person_option, office_of
from cli.merge_patch import changed_sections
from cli.people_password import asked_proof
from cli.printing import print_json, printable
from workflow.commands import Answer, Command
from workflow.definition import Definition
from workflow.definition_model import REPAIR, WITHDRAW, State
from workflow.errors import KeyReused, NotFound, Reason, Refused
from workflow.judge import VERBS, decides
from workflow.open_warnings import how_to_settle, warning_rules
from workflow.proofs import Proof

if TYPE_CHECKING:
    from workflow.office import Office  # a second to import, which help and wrong calls need not wait for
    from workflow.reading import RequestView

# What somebody may do who can't see the request, and is told so; a leaver's request is ended by others, too.
_BLIND = frozenset({"release", REPAIR, WITHDRAW})
_EPILOG = """What the process offers in the request's state can be done (submit, approve, return, sign …), and
always: claim, release, start, suspend, resume, save_draft, repair. `paraaf show N --as WHO` lists what is
possible now, and what each asks for.
exit status: 0 done, or done before under the same --key; 1 refused, with every reason."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf fire`."""
    parser = subparsers.add_parser(
        "fire",
        description="Do something with a request.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("request", type=int, metavar="N", help="the request's number")
    parser.add_argument("trigger", metavar="TRIGGER", help="what to do")
    add_person_option(parser, "who does it")
    parser.add_argument("--for", dest="principal", metavar="PRINCIPAL", help="as this person's substitute")
    parser.add_argument("--remark", metavar="TEXT", help="why; a return needs it")
    parser.add_argument(
        "--data-json",
        type=Path,
        metavar="FILE",
        help="change the data by fields: a JSON merge patch (RFC 7396), null removes a field; - reads stdin",
    )
    parser.add_argument("--draft", action="store_true", help="send what one's own draft holds")
    parser.add_argument(
        "--fact", action="append", type=fact, default=[], metavar="NAME=VALUE", help="may be repeated"
    )
    parser.add_argument("--consent", action="store_true", help="accept the text that is asked for")
    parser.add_argument(
        "--password-file",
        type=Path,
        metavar="FILE",
        help="with --consent: one's password, where the process asks for it anew; - reads stdin. Without it,"
        " a terminal is asked",
    )
    parser.add_argument(
        "--version",
        type=int,
        metavar="V",
        help="refuse when the request has changed since this version, which `paraaf show` prints; an approval"
        " and what leads to a signature need it",
    )
    parser.add_argument(
        "--key", metavar="K", help="idempotency key: repeated with the same key, it is done once"
    )
    add_data_option(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Do it, or print every reason why not."""
    with office_of(args) as office:
        try:
            return _fire(office, args)
        except (NotFound, ChoiceNeeded, KeyReused):
            # who sends it again may see the request no more, or another state of it
            if args.key is None or not _is_all_in_the_key(args):
                raise
            answer = office.engine.answered(args.who, args.key, args.request, args.trigger)
            if answer is None:
                raise
    _tell_done(answer, _done_unseen(answer, args.trigger), as_json=args.json)
    return 0


def _fire(office: "Office", args: argparse.Namespace) -> int:
    """Do it as somebody who sees the request, if they do. Raises NotFound, ChoiceNeeded, and what a command
    can meet."""
    patch = _patch(args.data_json)
    try:
        view = office.engine.show(args.request, args.who)
    except NotFound:
        if args.trigger not in _BLIND and _sends_along(args):
            raise
        return _fire_blindly(office, args)
    definition = _definition(office, view)
    seen = _seen(args, view, definition)
    command = _command(
        args,
        seen_version=seen,
        remark=view.draft.remark if args.draft and view.draft is not None else None,
        proof=_proof(office, args, definition, view, seen),
        data=_data(view, patch, drafted=args.draft),
        facts=dict(args.fact),
        consent=_accepted(definition.states[view.state], args.trigger) if args.consent else None,
    )
    try:
        answer = office.engine.execute(command)
    except Refused as refused:
        _tell_refused(_Refusal.of(refused, args, definition, view), as_json=args.json)
        return 1
    _tell_done(answer, _done(answer, definition, args.trigger), as_json=args.json)
    return 0


def _command(args: argparse.Namespace, *, remark: str | None = None, **more: Any) -> Command:
    """What is asked for, by whom; `more` is what depends on the request as they see it."""
    return Command(
        trigger=args.trigger,
        actor=args.who,
        key=args.key or f"fire:{secrets.token_hex(16)}",
        request_id=args.request,
        on_behalf_of=args.principal,
        remark=args.remark or remark,
        through="command-line",
        **more,
    )


def _proof(
    office: "Office", args: argparse.Namespace, definition: Definition, view: "RequestView", seen: int | None
) -> Proof | None:
    """What shows that it is they who consent, for the version that they have seen; None where nobody asks.

    Raises as `asked_proof`.
    """
    asked = args.consent and office.engine.asks_proof(definition)
    return asked_proof(office, args, {} if seen is None else {view.id: seen}, asked=asked)


def _tell_done(answer: Answer, said: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"answer": asdict(answer)})
    else:
        print(said)


def _fire_blindly(office: "Office", args: argparse.Namespace) -> int:
    """Do what somebody may do who can't see the request (any more).

    Raises NotFound, and ChoiceNeeded for what needs the request to be seen.
    """
    if _sends_along(args):
        raise ChoiceNeeded(
            f"{args.who} can't see request {args.request}: with {args.trigger!r} nothing else can be sent.",
            hint="Leave --data-json, --fact, --draft, --consent and --password-file out.",
        )
    try:
        answer = office.engine.execute(_command(args, seen_version=args.version))
    except Refused as refused:
        _tell_refused(_Refusal.unseen(refused, args), as_json=args.json)
        return 1
    _tell_done(answer, _done_unseen(answer, args.trigger), as_json=args.json)
    return 0


def _sends_along(args: argparse.Namespace) -> bool:
    """Whether something is sent that is understood by what the request is like."""
    return bool(args.data_json or args.fact or args.draft or args.consent or args.password_file)


def _is_all_in_the_key(args: argparse.Namespace) -> bool:
    """Whether what is sent can't be made again, and holds nothing that may differ from the first time."""
    return (args.draft or args.consent) and not (args.data_json or args.fact or args.remark or args.principal)


def fact(text: str) -> tuple[str, str]:
    """NAME=VALUE for argparse."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"“{text}” is not NAME=VALUE, such as signed_on=2026-11-20")
    return name, value


def _patch(file: Path | None) -> Mapping[str, Any]:
    if file is None:
        return {}
    try:
        patch = json.loads(read_input(file))
    except (ValueError, RecursionError) as error:
        raise InputUnreadable(
            f"{file} is not well-formed JSON: {error}.",
            hint='Write an object, such as {"continuation": {…}}.',
        ) from error
    if not isinstance(patch, dict):
        raise InputUnreadable(
            f"{file} holds no JSON object.", hint='Write an object, such as {"continuation": {…}}.'
        )
    return patch


def _data(view: "RequestView", patch: Mapping[str, Any], *, drafted: bool) -> dict[str, Any]:
    """The sections to send: those of the draft when asked for, changed by the patch. Raises ChoiceNeeded."""
    if not drafted:
        return changed_sections(view.data, patch)
    if view.draft is None:
        raise ChoiceNeeded(
            f"There is no draft of yours of request {view.id} in state {view.state!r}.",
            hint="Save one with save_draft, or leave --draft out.",
        )
    data = {**view.data, **view.draft.data}
    return {**view.draft.data, **changed_sections(data, patch)}


def _seen(args: argparse.Namespace, view: "RequestView", definition: Definition) -> int | None:
    """The version that the person has seen. Who decides has to say it; for all else it is the present one."""
    trigger = definition.states[view.state].triggers.get(args.trigger)
    said: int | None = args.version
    if said is None and not (trigger is not None and decides(definition, trigger)):
        return view.version
    return said


def _definition(office: "Office", view: "RequestView") -> Definition:
    """The definition that the request is pinned to."""
    with office.store.read() as session:
        return office.engine.definition(session, view.definition_sha256)


def _accepted(state: State, name: str) -> str:
    """The name of the text that is accepted with --consent. Raises ChoiceNeeded when there is none."""
    trigger = state.triggers.get(name)
    if trigger is None or trigger.consent is None:
        raise ChoiceNeeded(
            f"There is no text to accept with {name!r} in state {state.name!r}.",
            hint="Leave --consent out.",
        )
    return trigger.consent


@dataclass(frozen=True)
class _Refusal:
    """What is said of a refusal: the reasons, each with what to type to settle it ("" when nothing)."""

    code: str
    message: str
    hint: str
    reasons: Sequence[tuple[Reason, str]]

    @classmethod
    def of(
        cls, refused: Refused, args: argparse.Namespace, definition: Definition, view: "RequestView"
    ) -> "_Refusal":
        """Look up what the process asks for, and what it offers in this state."""
        at, language = view.state, view.language
        state = definition.states[at]
        trigger = state.triggers.get(args.trigger)
        consent = definition.consent_in(trigger.consent, language)[1] if trigger and trigger.consent else None
        warnings = warning_rules(definition)
        hint = refused.hint
        if any(reason.code == "unknown-trigger" for reason in refused.reasons):
            possible = ", ".join((*state.triggers, *sorted(VERBS))) if state.role else "nothing by a person"
            hint = f"In state {at!r} possible: {possible}."

        def settled(reason: Reason) -> str:
            if reason.code == "consent" and consent is not None:
                return f"--consent accepts: “{consent}”"
            if reason.code == "proof-missing":
                return (
                    "--password-file FILE, or a terminal, takes it. Who has none gets one by `paraaf people"
                    f" password {args.who}`."
                )
            if reason.code == "unseen":
                return f"`paraaf show {args.request} --as {args.who}` prints it: add --version V."
            return how_to_settle(reason.code) if reason.code in warnings else ""

        return cls(refused.code, _cant(args), hint, [(reason, settled(reason)) for reason in refused.reasons])

    @classmethod
    def unseen(cls, refused: Refused, args: argparse.Namespace) -> "_Refusal":
        """To somebody who can't see the request: the reasons alone."""
        return cls(refused.code, _cant(args), refused.hint, [(reason, "") for reason in refused.reasons])


def _cant(args: argparse.Namespace) -> str:
    return f"{args.who} can't do {args.trigger!r} on request {args.request} now."


def _tell_refused(refusal: _Refusal, *, as_json: bool) -> None:
    if as_json:
        reasons = [
            asdict(reason) | {"message": f"{reason.message} {advice}".rstrip()}
            for reason, advice in refusal.reasons
        ]
        print_json({"error": asdict(refusal) | {"reasons": reasons}})
        return
    print(f"paraaf: {printable(refusal.message)}", file=sys.stderr)
    for reason, advice in refusal.reasons:
        print(f"        - {printable(f'{reason} {advice}'.rstrip())}", file=sys.stderr)
    print(f"        {refusal.hint}", file=sys.stderr)


def _done_unseen(answer: Answer, trigger: str) -> str:
    before = " before, under this key" if answer.repeated else ""
    return f"Request {answer.request_id}: {trigger} done{before}."


def _done(answer: Answer, definition: Definition, trigger: str) -> str:
    state = definition.states[answer.state]
    before = " before, under this key" if answer.repeated else ""
    said = (
        f"Request {answer.request_id}: {trigger} done{before}. State {answer.state}, version {answer.version}"
    )
    if state.role is not None:
        return f"{said}; it waits for: {definition.roles[state.role]}."
    if state.auto is not None:
        return f"{said}; a worker goes on with it (`paraaf serve`, or `paraaf worker`)."
    return f"{said}; it has ended."
