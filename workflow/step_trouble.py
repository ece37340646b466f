"""What becomes of a step that went wrong: tried again, back to a person, or waiting for a repair.

- **again**: it may pass by itself: an authority that is down, a full disk, a fault that nobody foresaw. The
  queue tries again, later and later, and gives up in the end.
- **later**: nothing is wrong, an authority may not be asked so often, or a key has made its day's number of
  signatures. The step comes back when it may; that counts as no try.
- **back**: somebody in the process can mend it: the data can't be printed, the signer's certificate has
  expired, a committed signature can't be finished any more. The trigger `failed` leads to that person, with
  the message.
- **given up**: only whoever runs the office can mend it: a seal without a key, a timestamper that is not
  configured, a file that is missing or damaged. An incident, and nothing else moves; after `repair` the step
  is tried again. A file that is missing or damaged still after that goes back: no backup has it, and a new
  revision is the way on.

Where a state has no `failed`, what would go back is given up.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TypeVar

from certs.errors import RevocationUnavailable
from documents.errors import BlobCorrupt, BlobError, BlobMissing, KindProblems
from documents.sheet import DocumentTooLong
from documents.words import UnknownLanguage
from fonts import UnprintableText
from problem import Problem
from signing.errors import (
    CertificateRevokedError,
    CertificateUnusableError,
    ContentsOverflowError,
    DocumentRefusedError,
    FieldError,
    SigningError,
    StampError,
    TimestampLimitError,
    UnsupportedKeyError,
)
from watching.logs import note
from workflow.commands import StepResult
from workflow.errors import Contended, Raced, StoreUnavailable, WorkflowError
from workflow.key_limits import KeyLimitReached
from workflow.keys import AuthorisationMissing, EmployerUnknown
from workflow.outcomes import StepOutcome, crashed
from workflow.workbench import Work, Workbench, record, written

FAILED = "failed"
"""The trigger of an automatic state that cannot be done: back to a person, with the reason."""

log = logging.getLogger(__name__)

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class AnotherSignerBegan(WorkflowError):
    """A key has been used on this field already, for somebody else than who signs now."""

    code = "workflow-another-signer-began"


class NobodySigned(WorkflowError):
    """The definition names a state whose person signs, and nobody acted there."""

    code = "workflow-nobody-signed"


class RowReplaced(WorkflowError):
    """Meanwhile another worker has prepared this signature anew; the next try takes that up."""

    code = "workflow-row-replaced"


class SignatureUnfinishable(WorkflowError):
    """The signature value is committed and final, and no file can be made of it any more."""

    code = "workflow-signature-unfinishable"


_AGAIN = (RevocationUnavailable, BlobError, StoreUnavailable, Contended, Raced, RowReplaced)
_LATER = (TimestampLimitError, KeyLimitReached)
# The disk may have room again; but a file that is gone or damaged does not come back by itself.
_LOST = (BlobMissing, BlobCorrupt)
_NEVER_AGAIN = (*_LOST, ContentsOverflowError)
_BACK = (
    KindProblems,
    DocumentTooLong,
    UnknownLanguage,
    UnprintableText,
    DocumentRefusedError,
    FieldError,
    StampError,
    # the room in the file is too small for what the authorities send: a new revision makes new room
    ContentsOverflowError,
    AnotherSignerBegan,
    NobodySigned,
    EmployerUnknown,
    AuthorisationMissing,
    # no try and no repair can help: the document is returned, and signed as another revision
    SignatureUnfinishable,
)
# A person's certificate is theirs to renew, or another may sign; the organisation's is not theirs to mend.
_SIGNERS_OWN = (CertificateUnusableError, CertificateRevokedError, UnsupportedKeyError)


class Fate(StrEnum):
    """What becomes of a step that went wrong."""

    AGAIN = "again"
    LATER = "later"
    BACK = "back"
    GIVEN_UP = "given-up"


@dataclass(frozen=True)
class Trouble:
    """What one request's step ran into."""

    work: Work
    error: Exception


def tried(
    items: Sequence[_In], do: Callable[[_In], _Out], work_of: Callable[[_In], Work]
) -> tuple[list[_Out], list[Trouble]]:
    """Do something for each; what one runs into stops no other."""
    done, troubles = [], []
    for item in items:
        try:
            done.append(do(item))
        except Exception as error:  # noqa: BLE001 (kept, and told as this request's own trouble)
            troubles.append(Trouble(work_of(item), error))
    return done, troubles


def fate_of(error: Exception, work: Work) -> Fate:
    """What becomes of a step that ran into this error."""
    if not isinstance(error, Problem):
        return Fate.AGAIN
    if isinstance(error, _LATER):
        return Fate.LATER
    retryable = isinstance(error, SigningError) and error.retryable
    if (retryable or isinstance(error, _AGAIN)) and not isinstance(error, _NEVER_AGAIN):
        return Fate.AGAIN
    theirs = isinstance(error, _BACK) or (work.profile.kind == "person" and isinstance(error, _SIGNERS_OWN))
    theirs = theirs or (isinstance(error, _LOST) and error.code in work.repaired)
    return Fate.BACK if theirs and FAILED in work.state.triggers else Fate.GIVEN_UP


async def recorded(
    bench: Workbench,
    items: Sequence[_In],
    write: Callable[[Sequence[_In]], None],
    work_of: Callable[[_In], Work],
) -> list[Trouble]:
    """Write what came of the items, in one transaction; what those ran into that could not be written.

    `write` holds the transaction, and none of it stays when it raises. Where one of several can't be
    written, each is by itself. Raises StoreUnavailable: then those that were written stay so.
    """
    if not items:
        return []
    try:
        await written(bench, write, items)
    except StoreUnavailable:  # what is wrong with all of them
        raise
    except Problem as problem:
        if len(items) == 1:
            return [Trouble(work_of(items[0]), problem)]
    else:
        return []
    return [trouble for item in items for trouble in await recorded(bench, [item], write, work_of)]


async def settled(bench: Workbench, troubles: Sequence[Trouble]) -> list[StepOutcome]:
    """Send back what goes back, in one transaction, and tell the queue about the rest.

    What can't even be sent back is given up, unless that may pass.
    """
    back = [each for each in troubles if fate_of(each.error, each.work) is Fate.BACK]
    stuck = await recorded(bench, back, partial(_send_back, bench), work_of=lambda each: each.work)
    instead = {trouble.work.ref: trouble for trouble in stuck}
    return [_outcome(instead.get(each.work.ref, each), stuck=each.work.ref in instead) for each in troubles]


async def settled_with_the_rest(
    bench: Workbench, troubles: Sequence[Trouble], works: Sequence[Work]
) -> list[StepOutcome]:
    """As `settled`; those of the works that ran into nothing are done."""
    troubled = {trouble.work.ref for trouble in troubles}
    done = [StepOutcome.done(work.ref) for work in works if work.ref not in troubled]
    return await settled(bench, troubles) + done


def _outcome(trouble: Trouble, *, stuck: bool) -> StepOutcome:
    """What the queue is told; `stuck` is what could not be sent back."""
    ref, error = trouble.work.ref, trouble.error
    code, message, plain = _told(error)
    match fate_of(error, trouble.work):
        case Fate.AGAIN:
            return StepOutcome.retry(ref, code, message, plain=plain)
        case Fate.LATER:
            after_s = error.after_s if isinstance(error, _LATER) else 0.0
            return StepOutcome.wait(ref, code, message, after_s=after_s)
        case Fate.BACK if not stuck:
            return StepOutcome.done(ref, code)
    return StepOutcome.gave_up(ref, code, message, plain=plain)


def _send_back(bench: Workbench, back: Sequence[Trouble]) -> None:
    told = [(each.work.ref, *_told(each.error)) for each in back]
    failed = [StepResult(ref, FAILED, {"code": code}, {"message": message}) for ref, code, message, _ in told]
    with bench.store.write() as session:
        record(bench, session, failed)


def _told(error: Exception) -> tuple[str, str, str]:
    """Code, message, and what can be said without naming anybody."""
    if isinstance(error, Problem):
        return error.code, f"{error} {error.hint}".strip(), error.impersonal_text
    note(log, logging.ERROR, "step_crashed", error=error)
    return "step-crashed", f"{type(error).__name__}: {error}", crashed(error)
