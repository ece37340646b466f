"""What can go wrong when a request is moved, or when its record is kept."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from problem import Problem
from wording import Sentence


class WorkflowError(Problem):
    """Base of every error of this package."""

    code: ClassVar[str] = "workflow"


@dataclass(frozen=True)
class Reason:
    """One reason why something can't be done now: `code` is stable, `message` a sentence.

    `field` is the dotted field of the document's data that is to blame, "" when none is.
    """

    code: str
    message: Sentence
    field: str = ""

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


class Refused(WorkflowError):
    """The command can't be done now: `reasons` lists everything that stands in its way."""

    code: ClassVar[str] = "workflow-refused"
    advice: ClassVar[Sentence] = Sentence("Settle what is named and try again.")

    def __init__(self, reasons: Iterable[Reason]) -> None:
        self.reasons = tuple(reasons)
        super().__init__(" ".join(str(reason) for reason in self.reasons), hint=self.advice)


class ClaimedByAnother(Refused):
    """Somebody else holds the task: `holder` since `since`."""

    code: ClassVar[str] = "workflow-claimed"
    advice: ClassVar[Sentence] = Sentence(
        "Choose another task, or ask the holder to release this one; where they can't, an administrator does."
    )

    def __init__(
        self, reasons: Iterable[Reason], *, holder: str, since: datetime, lapsed: bool = False
    ) -> None:
        super().__init__(reasons)
        if lapsed:
            self.hint = Sentence(
                "Release it: whoever could take the task does, or an administrator. Then go on."
            )
        self.holder = holder
        self.since = since


class StaleVersion(WorkflowError):
    """The request has changed since the sender looked at it: `version` is the present one."""

    code: ClassVar[str] = "workflow-stale"

    def __init__(self, *, seen: int, version: int) -> None:
        super().__init__(
            f"The request has changed: it was looked at in version {seen}, it is now in version {version}.",
            hint="Look at the request again, then decide.",
        )
        self.version = version


class KeyReused(WorkflowError):
    """The idempotency key was used before by the same person, for another command."""

    code: ClassVar[str] = "workflow-key-reused"

    def __init__(self) -> None:
        super().__init__(
            "This idempotency key was used for another command.",
            hint="Send each new command with a new key: --key, or Idempotency-Key.",
        )


class AnswerUnreadable(WorkflowError):
    """What was answered under an idempotency key can't be read: somebody has changed it."""

    code: ClassVar[str] = "workflow-answer-unreadable"

    def __init__(self) -> None:
        super().__init__(
            "What was answered under this idempotency key can't be read: somebody has changed it in the"
            " database.",
            hint="Look at the request: what was wished may be done. If it is not, send it with a new key."
            " Then run `paraaf log verify`.",
        )


class NotFound(WorkflowError):
    """There is no such request, or the person may not know of it."""

    code: ClassVar[str] = "workflow-not-found"

    def __init__(self, request_id: object) -> None:
        super().__init__(
            f"There is no request {_shown(request_id)} that this person may see.",
            hint="`paraaf requests --as WHO` lists those they may see.",
        )


class SubstitutionRefused(WorkflowError):
    """Somebody can't be named as a substitute like this, or there is no standing in to end."""

    code: ClassVar[str] = "workflow-substitution"


class Contended(WorkflowError):
    """Others kept changing the same rows; nothing of the command was recorded."""

    code: ClassVar[str] = "workflow-contended"
    impersonal: ClassVar[bool] = True


class Raced(WorkflowError):
    """A row was not as it had been read: somebody else was faster. The transaction must be rolled back."""

    code: ClassVar[str] = "workflow-raced"
    impersonal: ClassVar[bool] = True


class DefinitionMissing(WorkflowError):
    """A request is pinned to a definition that is not at hand, or names what this release does not have."""

    code: ClassVar[str] = "workflow-definition-missing"
    impersonal: ClassVar[bool] = True


class StoreUnavailable(WorkflowError):
    """The database can't be opened, is locked for too long, or has gone away."""

    code: ClassVar[str] = "workflow-store"
    impersonal: ClassVar[bool] = True


class RestoreUnfinished(StoreUnavailable):
    """A restore was killed before its end: what is in this database, or the data folder, is no office."""

    code: ClassVar[str] = "workflow-restore-unfinished"
    impersonal: ClassVar[bool] = True


class StoreOutdated(WorkflowError):
    """The database was made by another release: its tables are not the ones expected."""

    code: ClassVar[str] = "workflow-store-outdated"
    impersonal: ClassVar[bool] = True


class SettingRefused(WorkflowError):
    """A setting has a value that means nothing, or one that can't work."""

    code: ClassVar[str] = "workflow-setting"
    impersonal: ClassVar[bool] = True


class NoWorker(WorkflowError):
    """No worker shows its life: automatic steps wait until one is started."""

    code: ClassVar[str] = "workflow-no-worker"
    impersonal: ClassVar[bool] = True


class LogUnwritable(WorkflowError):
    """An event can't be put into canonical form."""

    code: ClassVar[str] = "workflow-log-form"


class LogRefused(WorkflowError):
    """The database refused an event: what it was to record has not happened."""

    code: ClassVar[str] = "workflow-log-refused"


class NothingToAnchor(WorkflowError):
    """The event log is empty: it has no head that could be anchored."""

    code: ClassVar[str] = "workflow-nothing-to-anchor"


class AnchorNotKept(WorkflowError):
    """An anchor was made and is in the database, but could not be written into the folder for anchors."""

    code: ClassVar[str] = "workflow-anchor-folder"


def _shown(number: object) -> str:
    return str(number) if type(number) is int and abs(number) < 10**20 else "of this number"
