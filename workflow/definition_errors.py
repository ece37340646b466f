"""What can go wrong with definitions, guards, durations and calendars."""

from collections.abc import Iterable
from typing import ClassVar

from workflow.errors import WorkflowError
from workflow.refusal import Refusal


class DefinitionRefused(WorkflowError):
    """Definition files break rules: `refusals` lists every one with file, state and the mend."""

    code: ClassVar[str] = "workflow-definition-refused"

    def __init__(self, refusals: Iterable[Refusal]) -> None:
        self.refusals = tuple(refusals)
        super().__init__(
            "\n".join(str(refusal) for refusal in self.refusals),
            hint="Mend what each line says, then run: paraaf definitions check",
        )


class DefinitionUnknown(WorkflowError):
    """There is no such definition, or it is no longer offered."""

    code: ClassVar[str] = "workflow-definition-unknown"


class NoBranch(WorkflowError):
    """The definition has no way from this state by this trigger with these facts."""

    code: ClassVar[str] = "workflow-no-branch"


class TriggerNotHere(NoBranch):
    """The state has no such trigger."""

    code: ClassVar[str] = "workflow-trigger-not-here"


class FactMissing(WorkflowError):
    """A guard needs a fact that the request's data do not hold."""

    code: ClassVar[str] = "workflow-fact-missing"


class DurationInvalid(WorkflowError):
    """A text is not an ISO 8601 duration of the kind that is asked."""

    code: ClassVar[str] = "workflow-duration-invalid"


class CalendarEnded(WorkflowError):
    """A working calendar does not list the holidays of this day's year."""

    code: ClassVar[str] = "workflow-calendar-ended"
    impersonal: ClassVar[bool] = True
