"""Whether a command is one at all: types, lengths, characters. Asked before anything is looked up.

What has no form is refused by itself, so that it never reaches a statement that others share.
"""

from collections.abc import Iterator, Mapping
from hashlib import sha256

from wording import Sentence
from workflow.canonical import encode
from workflow.commands import CHANNELS, THROUGH, Command, Submission
from workflow.errors import LogUnwritable, NotFound, Reason, Refused
from workflow.proofs import Proof

NAME_LONGEST = 200
COMMAND_LONGEST = 1_000_000
"""Characters of a command's canonical JSON: more than twice the largest document that its kind accepts."""
REQUEST_ID_MAX = 2**63 - 1  # what the database's column holds
_VERSION_MAX = 2**53 - 1  # the largest whole number in canonical JSON


def require_form(command: Command) -> str:
    """Give the digest of a command that has a form. Raises Refused with every reason, NotFound."""
    if reasons := list(_against_form(command)):
        raise Refused(reasons)
    try:
        text = encode(command.content())
    except LogUnwritable as error:
        raise Refused([Reason("form", error.sentence)]) from error
    if len(text) > COMMAND_LONGEST:
        raise Refused(
            [
                Reason(
                    "form",
                    Sentence("Send no more than {most} characters in one command.", most=COMMAND_LONGEST),
                )
            ]
        )
    if command.request_id is not None:
        require_request_id(command.request_id)
    return sha256(text.encode()).hexdigest()


def require_request_id(value: object) -> None:
    """Raises NotFound for what is no number of any request."""
    if type(value) is not int or not 0 < value <= REQUEST_ID_MAX:
        raise NotFound(value)


def require_name(name: str, value: object) -> None:
    """Raises Refused for what nobody and nothing is called."""
    if reason := _against_name(name, value):
        raise Refused([reason])


def _against_form(command: Command) -> Iterator[Reason]:
    names = [("key", command.key), ("trigger", command.trigger), ("actor", command.actor)]
    names += [
        (name, value)
        for name, value in (("on_behalf_of", command.on_behalf_of), ("consent", command.consent))
        if value is not None
    ]
    new = command.submission
    if isinstance(new, Submission):
        names += [(f"submission.{name}", getattr(new, name)) for name in ("key", "variant", "language")]
    for name, value in names:
        if reason := _against_name(name, value):
            yield reason
    yield from _against_types(command)


def _against_name(name: str, value: object) -> Reason | None:
    """A name: one line of characters that show, and not too many."""
    if isinstance(value, str) and 0 < len(value) <= NAME_LONGEST and value.isprintable():
        return None
    sentence = Sentence("Send this as text of 1 to {most} characters that show.", most=NAME_LONGEST)
    return Reason("key", sentence, name) if name == "key" else Reason("form", sentence, name)


def _against_types(command: Command) -> Iterator[Reason]:
    new = command.submission
    reference = new.reference if isinstance(new, Submission) else None
    for name, right in (
        ("request_id", command.request_id is None or type(command.request_id) is int),
        ("seen_version", _is_version(command.seen_version)),
        ("data", isinstance(command.data, Mapping)),
        ("remark", command.remark is None or isinstance(command.remark, str)),
        ("facts", isinstance(command.facts, Mapping)),
        ("submission", new is None or isinstance(new, Submission)),
        ("submission.reference", reference is None or isinstance(reference, str)),
        ("channel", command.channel in CHANNELS),
        ("through", command.through in THROUGH),
        ("proof", command.proof is None or _is_proof(command.proof)),
    ):
        if not right:
            yield Reason("form", Sentence("This is not what a command has here."), name)
    if isinstance(command.facts, Mapping):
        for name, text in command.facts.items():
            if not (isinstance(name, str) and isinstance(text, str)):
                yield Reason("fact", Sentence("Fill in this fact."), f"facts.{str(name)[:60]}")


def _is_proof(value: object) -> bool:
    return isinstance(value, Proof) and isinstance(value.token, str) and len(value.token) <= NAME_LONGEST


def _is_version(value: object) -> bool:
    return value is None or (type(value) is int and 0 <= value <= _VERSION_MAX)
