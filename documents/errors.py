"""What can go wrong with a document before it is signed."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal

from problem import Problem
from wording import Sentence

Severity = Literal["error", "warning"]


@dataclass(frozen=True, order=True)
class FieldProblem:
    """One rule that one field breaks: shown to a person, never with the value that was typed.

    `field` is a dotted path ("income.gross_yearly", "actions.2.responsible"; "" is the whole document),
    `rule` the stable name of the rule, `message` a sentence. A warning is settled by a reason, an error by a
    correction.
    """

    field: str
    rule: str
    message: Sentence
    severity: Severity = "error"

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


class DocumentError(Problem):
    """Base of every error of this package."""

    code: ClassVar[str] = "document"


class KindProblems(DocumentError):
    """The data does not make a document of this kind: `problems` lists every field and rule."""

    code: ClassVar[str] = "document-data"

    def __init__(self, kind: str, problems: Iterable[FieldProblem]) -> None:
        self.kind = kind
        self.problems = tuple(problems)
        listed = "; ".join(str(problem) for problem in self.problems)
        super().__init__(
            f"The data of this {kind.replace('_', ' ')} has {_counted(len(self.problems))}: {listed}",
            hint="Mend the fields named, or give a reason where a rule asks for one, and submit again.",
        )


class UnknownKind(DocumentError):
    """There is no document kind of this name."""

    code: ClassVar[str] = "document-kind"


class IntakeRefused(DocumentError):
    """A file can't be read as rows at all; `line` is where reading stopped, 0 when no line is to blame."""

    code: ClassVar[str] = "document-intake"

    def __init__(self, message: str, *, hint: str, line: int = 0) -> None:
        super().__init__(message, hint=hint)
        self.line = line


class RegisterError(DocumentError):
    """The HR register can't be read."""

    code: ClassVar[str] = "document-register"


class PersonUnknown(DocumentError):
    """The HR register holds no person of this id."""

    code: ClassVar[str] = "document-person-unknown"


class BlobError(DocumentError):
    """A stored file could not be written or read."""

    code: ClassVar[str] = "document-blob"
    impersonal: ClassVar[bool] = True


class BlobMissing(BlobError):
    """No file of this digest is stored."""

    code: ClassVar[str] = "document-blob-missing"
    impersonal: ClassVar[bool] = True


class BlobCorrupt(BlobError):
    """A stored file's content is not what its name says."""

    code: ClassVar[str] = "document-blob-corrupt"
    impersonal: ClassVar[bool] = True


class BlobLocked(BlobError):
    """A stored file can't be removed yet: the object storage locks it."""

    code: ClassVar[str] = "document-blob-locked"
    impersonal: ClassVar[bool] = True


class BlobUnlocked(BlobError):
    """The object storage does not lock stored files as the settings ask for."""

    code: ClassVar[str] = "document-blob-unlocked"
    impersonal: ClassVar[bool] = True


class BlobsForeign(BlobError):
    """The stored files are another office's: nothing is stored there, and nothing removed."""

    code: ClassVar[str] = "document-blobs-foreign"
    impersonal: ClassVar[bool] = True


class BlobsUnset(DocumentError):
    """The settings name no object storage that can be used."""

    code: ClassVar[str] = "document-blobs-unset"


def _counted(count: int) -> str:
    return "1 problem" if count == 1 else f"{count} problems"
